//! Exact hypergradients through inner SGD in constant memory: dual numbers, Hessian-vector products and the adjoint loop.
