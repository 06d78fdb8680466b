import Foundation
import Kernels
import Testing

/// The optimizer's step and the teacher's average against their definitions in double.
@Suite struct OptimisersTests {
    private let buffer = FencedMemory()

    /// Loshchilov and Hutter, 2019, algorithm 2, with a schedule of 1: eight steps of one number.
    private func adamW(
        _ parameter: Float, gradients: [Float], rate: Double, decay: Double, betas: (Double, Double)
    ) -> [Double] {
        var (theta, m, v) = (Double(parameter), 0.0, 0.0)
        return gradients.enumerated().map { index, gradient in
            let (g, t) = (Double(gradient), Double(index + 1))
            m = betas.0 * m + (1 - betas.0) * g
            v = betas.1 * v + (1 - betas.1) * g * g
            let (mean, square) = (m / (1 - pow(betas.0, t)), v / (1 - pow(betas.1, t)))
            theta -= rate * (mean / (square.squareRoot() + 1e-8) + decay * theta)
            return theta
        }
    }

    @Test(arguments: Sweep.lengths, [(0.9, 0.999), (0.9, 0.95), (0, 0.5)])
    func adamWIsThatOfThePaper(count: Int, betas: (Double, Double)) {
        let (rate, decay, steps) = (1e-2, 0.05, 8)
        let start = Sweep.numbers(count, 1)
        let gradients = (0..<steps).map { Sweep.numbers(count, 2 + UInt32($0)) }
        let parameters = buffer(start)
        let (moment1, moment2) = (buffer(zeros: count), buffer(zeros: count))
        for (index, gradient) in gradients.enumerated() {
            AdamWStep(
                number: UInt64(index + 1), learningRate: rate, weightDecay: decay, beta1: betas.0,
                beta2: betas.1, epsilon: 1e-8
            ).apply(
                to: parameters.pointer, gradient: buffer(gradient).pointer,
                moment1: moment1.pointer, moment2: moment2.pointer, count: count)
            let expected = start.indices.map { i in
                adamW(
                    start[i], gradients: gradients[...index].map { $0[i] }, rate: rate,
                    decay: decay, betas: betas)[index]
            }
            // Some roundings a step: of the parameter, and of a step of at most a few rates.
            expectClose(
                parameters.array, expected,
                within: Double(index + 1) * (4 * Sweep.rounding + 1e-6 * rate))
        }
    }

    @Test(arguments: Sweep.lengths, [0, 0.5, 0.996, 1 - 1e-9, 1])
    func theTeacherMovesAsDefined(count: Int, momentum: Double) {
        let (x, before) = (Sweep.numbers(count, 20), Sweep.numbers(count, 21))
        let average = buffer(before)
        moveAverage(
            towards: buffer(x).pointer, average: average.pointer, momentum: momentum,
            count: count)
        expectClose(
            average.array,
            zip(before, x).map { momentum * Double($0) + (1 - momentum) * Double($1) },
            within: 8 * Sweep.rounding)
        let same = buffer(x)
        moveAverage(
            towards: buffer(x).pointer, average: same.pointer, momentum: momentum,
            count: count)
        #expect(same.array == x)
    }
}
