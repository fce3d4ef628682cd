/// A value and its tangent, its derivative along a direction.
#[derive(Debug, Clone, Copy)]
pub struct Pair<T> {
    /// The value.
    pub value: T,
    /// The tangent.
    pub tangent: T,
}

impl<T> Pair<T> {
    pub(crate) fn as_mut(&mut self) -> Pair<&mut T> {
        Pair { value: &mut self.value, tangent: &mut self.tangent }
    }
}
