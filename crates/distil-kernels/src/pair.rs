/// A value and its tangent, its derivative along a direction.
#[derive(Debug, Clone, Copy)]
pub struct Pair<T> {
    /// The value.
    pub value: T,
    /// The tangent.
    pub tangent: T,
}
