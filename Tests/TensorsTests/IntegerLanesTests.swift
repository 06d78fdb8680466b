import Kernels
import Tensors
import Testing

/// Lanes of all widths against rounding in double, and what does not fit them.
@Suite struct IntegerLanesTests {
    @Test func lanesOf32BitsRoundToTheNearest() {
        let lanes = IntegerLanes(bits: 32, count: 10)
        var numbers: [Float] = [1.25, -2.5, 3.5, 0, 100]
        var back = Array(repeating: Float(0), count: 5)
        numbers.withNumbers { numbers in
            for _ in 0..<2 {
                lanes.add(numbers, at: 3, scale: 4, contributionBits: 6) {
                    Issue.record("rounding to the nearest draws nothing")
                    return RandomStream(seed: 1, purpose: .test)
                }
            }
            back.withNumbers { lanes.restore(from: 3, factor: 0.25, into: $0) }
        }
        // A contribution is at most 2^6 - 1 = 63, which is 15.75 after the scale.
        #expect(back == [2.5, -5, 7, 0, 31.5])
        lanes.clear()
        back.withNumbers { lanes.restore(from: 3, factor: 0.25, into: $0) }
        #expect(back.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [8, 16]) func narrowLanesRoundUpOrDown(bits: Int) {
        let (lanes, copy) = (
            IntegerLanes(bits: bits, count: 64), IntegerLanes(bits: bits, count: 64)
        )
        var numbers = (0..<64).map { Float($0) / 8 - 4 }
        var back = numbers
        numbers.withNumbers {
            lanes.add($0, at: 0, scale: 1, contributionBits: 5) {
                RandomStream(seed: 3, purpose: .test)
            }
        }
        copy.copy(from: lanes)
        back.withNumbers { copy.restore(from: 0, factor: 1, into: $0) }
        for (rounded, number) in zip(back, numbers) {
            #expect(rounded == number.rounded(.down) || rounded == number.rounded(.up))
        }
        #expect(zip(back, numbers).contains { $0 != $1.rounded(.down) })
    }

    @Test func lanesBeyondTheEndStop() async {
        await #expect(processExitsWith: .failure) {
            let lanes = IntegerLanes(bits: 16, count: 4)
            var numbers: [Float] = [1, 2]
            numbers.withNumbers { lanes.restore(from: 3, factor: 1, into: $0) }
        }
    }

    @Test func aTensorOfAnotherKindStops() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(.int64, shape: [2]).numbers
        }
    }

    @Test func aViewBeyondItsStorageStops() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(
                .float32, shape: [2, 2], storage: TensorStorage(byteCount: 12), byteOffset: 0)
        }
    }

    @Test func tensorsGiveTheirNumbersByTheirType() {
        let storage = TensorStorage(byteCount: 32)
        let tensor = Tensor(.int32, shape: [2], storage: storage, byteOffset: 8)
        tensor.numbers(of: Int32.self).update(from: ([5, -6] as [Int32]).span)
        #expect(Array(storage.numbers(of: Int32.self)) == [0, 0, 5, -6, 0, 0, 0, 0])
        #expect(tensor.doubles == [5, -6])
    }
}
