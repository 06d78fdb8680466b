import LinearAlgebra
import Tensors

extension Matrix {
    /// A tensor's numbers in double; one axis becomes a single column, further axes are joined to the columns.
    public init(_ tensor: Tensor) {
        let rows = tensor.shape.first ?? 1
        self.init(
            rows: rows, columns: tensor.shape.dropFirst().reduce(1, *), values: tensor.doubles)
    }
}
