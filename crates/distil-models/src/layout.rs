use burn::tensor::Tensor;

/// One parameter tensor inside θ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// PyTorch-style dotted name, such as `blocks.0.conv.weight`.
    pub name: String,
    /// Its shape; the product is the number of scalars it takes in θ.
    pub shape: Vec<usize>,
}

impl Entry {
    /// Number of scalars.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor holds no scalar.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The names and shapes of a network's parameter tensors, in the order in which they lie in θ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    entries: Vec<Entry>,
}

impl Layout {
    /// A layout of the given tensors.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// The parameter tensors in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The number of scalars `P` of θ.
    pub fn params(&self) -> usize {
        self.entries.iter().map(Entry::len).sum()
    }

    /// 1 for each scalar of a tensor of more than one dimension (weights), 0 for the others (biases and norms), `[P]`.
    pub fn matrices(&self) -> Vec<f32> {
        let of =
            |entry: &Entry| std::iter::repeat_n(if entry.shape.len() > 1 { 1.0 } else { 0.0 }, entry.len());
        self.entries.iter().flat_map(of).collect()
    }

    /// θ `[P]` as one 1-D tensor per entry.
    ///
    /// # Panics
    /// When `theta` does not have `P` scalars.
    pub fn split(&self, theta: Tensor<1>) -> Vec<Tensor<1>> {
        let sizes: Vec<usize> = self.entries.iter().map(Entry::len).collect();
        assert_eq!(theta.dims(), [self.params()], "theta does not fit this network's layout");
        theta.split_with_sizes(sizes, 0)
    }
}
