import Tensors

/// A tensor whose bytes follow from a seed: `31 i + i / 256 + seed`, modulo 256.
func patterned(_ type: ElementType, _ shape: [Int], seed: UInt8 = 1) -> Tensor {
    let tensor = Tensor(type, shape: shape)
    let bytes = tensor.bytes
    let period = 65_536
    for i in 0..<min(period, bytes.count) {
        bytes[i] = UInt8(truncatingIfNeeded: i &* 31 &+ i >> 8 &+ Int(seed))
    }
    for start in stride(from: period, to: bytes.count, by: period) {
        let end = min(start + period, bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<(end - start)]))
    }
    return tensor
}

/// A float32 tensor whose bytes follow from a seed.
func patterned(_ shape: [Int], seed: UInt8 = 1) -> Tensor { patterned(.float32, shape, seed: seed) }
