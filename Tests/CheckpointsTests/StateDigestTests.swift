import Checkpoints
import Runtime
import Tensors
import Testing

@Suite struct StateDigestTests {
    @Test func agreesWithItsDefinitionByteByByte() {
        let tensor = Tensor([1, 2], shape: [2])
        var list = Array("purkinje.state.1".utf8)
        list += [1, 0, 0, 0, UInt8(ascii: "x"), 3, 0, 0, 0] + Array("F32".utf8)
        list += [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        list += SHA256.digest(of: [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40] as [UInt8]).bytes
        #expect(StateDigest.digest(of: [NamedTensor("x", tensor)]) == SHA256.digest(of: list))
    }

    /// The same list made and hashed by Python's `hashlib`: 9 MiB + 5 bytes of the pattern, and a
    /// scalar 7.
    @Test func agreesWithAnIndependentProgram() {
        let step = Tensor(.int64, shape: [])
        step.bytes.storeBytes(of: 7, as: Int64.self)
        let state = [
            NamedTensor("state.step", step),
            NamedTensor("parameter.w", patterned(.uint8, [9 << 20 | 5])),
        ]
        #expect(
            StateDigest.digest(of: state).description
                == "c874b8f9f1bdbaf5f318b43ca79e558d8638b267314c1fcd74d8573bbbaf3837")
    }

    @Test func orderDoesNotShowButEverythingElseDoes() {
        let (a, b) = (patterned(.float32, [4, 6]), patterned(.float32, [3], seed: 2))
        let digest = StateDigest.digest(of: [NamedTensor("a", a), NamedTensor("b", b)])
        #expect(digest == StateDigest.digest(of: [NamedTensor("b", b), NamedTensor("a", a)]))
        var others = [
            [NamedTensor("a", a)],
            [NamedTensor("a", b), NamedTensor("b", a)],
            [NamedTensor("a", a.reshaped([6, 4])), NamedTensor("b", b)],
            [NamedTensor("a", a), NamedTensor("c", b)],
            [NamedTensor("a", a), NamedTensor("b", patterned(.int32, [3], seed: 2))],
        ]
        let flipped = b.copied()
        flipped.bytes[11] ^= 1
        others.append([NamedTensor("a", a), NamedTensor("b", flipped)])
        for other in others { #expect(StateDigest.digest(of: other) != digest) }
    }

    @Test(arguments: [
        (0, 0), (1, 1), (4 << 20, 1), (4 << 20 | 1, 2), (9 << 20, 3),
    ])
    func piecesAreOfFourMebibytes(byteCount: Int, pieces: Int) {
        let digest = TensorDigest(NamedTensor("t", Tensor(.uint8, shape: [byteCount])))
        #expect(digest.pieces.count == pieces)
    }

    @Test func partsHashedApartMakeTheSameDigest() {
        let state = (0..<5).map { NamedTensor("t\($0)", patterned(.float32, [7, $0])) }
        let parts = state.map { TensorDigest($0) }
        #expect(StateDigest.combine(parts.reversed()) == StateDigest.digest(of: state))
    }
}
