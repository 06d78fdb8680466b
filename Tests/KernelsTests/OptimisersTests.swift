import Kernels
import Testing

struct OptimisersTests {
    @Test(arguments: [0, 1, 7, 8, 33], [Float(0), 0.5, 0.996, 1])
    func averagesAsADoubleLoopDoes(count: Int, momentum: Float) {
        var random = RandomStream(seed: 3, purpose: .test, step: 0, position: UInt32(count))
        let x = (0..<count).map { _ in Float.random(in: -2...2, using: &random) }
        let before = (0..<count).map { _ in Float.random(in: -2...2, using: &random) }
        var average = before
        exponentialMovingAverage(x, momentum: momentum, count: count, into: &average)
        for i in 0..<count {
            let expected =
                Double(momentum) * Double(before[i]) + Double(1 - momentum) * Double(x[i])
            #expect(abs(Double(average[i]) - expected) < 1e-6)
        }
    }
}
