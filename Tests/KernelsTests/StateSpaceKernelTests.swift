import Kernels
import TestSupport
import Testing

/// Loops over rows of channels and states against plain loops in double.
struct StateSpaceKernelTests {
    private func numbers(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
        var random = RandomStream(seed: seed, purpose: .test)
        return (0..<count).map { _ in Float(random.nextNormal()) * scale }
    }

    private func logistic(_ x: Double) -> Double { 1 / (1 + ElementaryFunctions.exponential(-x)) }

    @Test(arguments: [1, 4, 8, 16], [false, true])
    func statesPassFromChunkToChunk(order: Int, isReversed: Bool) {
        let (runs, chunks, wide, stride) = (2, 5, order + 3, order + 2)
        let increments = numbers(runs * chunks * wide, seed: 1)
        let transition = numbers(order * order, seed: 2, scale: 0.3)
        var states = Array(repeating: Float.nan, count: runs * chunks * stride)
        scanChunks(
            increments, incrementStride: wide, transition: transition, order: order,
            chunks: chunks, runs: runs, isReversed: isReversed, into: &states, stride: stride)
        for run in 0..<runs {
            var state = Array(repeating: 0.0, count: order)
            let visited = Array(run * chunks..<(run + 1) * chunks)
            for row in isReversed ? visited.reversed() : visited {
                for i in 0..<order {
                    #expect(abs(Double(states[row * stride + i]) - state[i]) < 1e-4)
                }
                #expect(states[row * stride + order].isNaN)
                state = (0..<order).map { i in
                    (0..<order).reduce(Double(increments[row * wide + i])) {
                        $0 + Double(transition[$1 * order + i]) * state[$1]
                    }
                }
            }
        }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 33])
    func scaledActivations(count: Int) {
        let x = numbers(count, seed: 3, scale: 2)
        var (slopes, y) = (x, Array(repeating: Float.nan, count: count + 1))
        scaledGELU(&slopes, factor: 1.25, count: count, into: &y)
        var (bias, plain, derivative) = ([Float](), [Float](), x)
        bias = Array(repeating: 0, count: count)
        plain = Array(repeating: 0, count: count)
        biasGELU(&derivative, bias: bias, rows: 1, columns: count, into: &plain)
        for i in 0..<count {
            #expect(abs(y[i] - 1.25 * plain[i]) < 1e-6)
            #expect(abs(slopes[i] - 1.25 * derivative[i]) < 1e-6)
        }
        #expect(y[count].isNaN)
    }

    @Test(arguments: [0, 1, 8, 17])
    func productsAndSums(count: Int) {
        let (x, y) = (numbers(count, seed: 4), numbers(count, seed: 5))
        var z = Array(repeating: Float.nan, count: count + 1)
        multiply(x, y, into: &z, count: count)
        #expect(Array(z[..<count]) == zip(x, y).map { $0 * $1 })
        var sums = x + [.nan]
        add(2, into: &sums, count: count)
        #expect(Array(sums[..<count]) == x.map { $0 + 2 })
        #expect(z[count].isNaN && sums[count].isNaN)
    }

    @Test(arguments: [1, 63, 64, 65, 150], [1, 3, 8])
    func gatesAreNormalisedOverChannels(count: Int, channels: Int) {
        let stride = count + 5
        let kernel = GatedNormalisation(channels: channels, stride: stride, epsilon: 1e-3)
        let z = numbers(2 * channels * stride, seed: 6)
        let x = numbers(channels * stride, seed: 7)
        let (gain, shift) = (numbers(channels, seed: 8), numbers(channels, seed: 9))
        let factors = (0..<channels).map { Float($0 % 2) + 0.5 }
        var (used, y, normalised) = (z, x.map { _ in Float.nan }, x.map { _ in Float.nan })
        var inverse = Array(repeating: Float.nan, count: count)
        var scratch = Array(repeating: Float.nan, count: kernel.scratchCount)
        kernel.forward(
            &used, residual: x, factors: factors, gain: gain, shift: shift, count: count, into: &y,
            normalised: &normalised, inverse: &inverse, scratch: &scratch)
        let dy = numbers(channels * stride, seed: 10)
        var (dSum, dz) = (dy, used)
        var (dGain, dShift) = (
            Array(repeating: Float(1), count: channels), Array(repeating: Float(2), count: channels)
        )
        kernel.backward(
            &dSum, z: &dz, factors: factors, gain: gain, normalised: normalised, inverse: inverse,
            count: count, dGain: &dGain, dShift: &dShift, scratch: &scratch)
        var gainSums = Array(repeating: 1.0, count: channels)
        var shiftSums = Array(repeating: 2.0, count: channels)
        for t in 0..<count {
            func at(_ values: [Float], _ h: Int) -> Double { Double(values[h * stride + t]) }
            let opens = (0..<channels).map { logistic(at(z, channels + $0)) }
            let sums = (0..<channels).map {
                at(x, $0) + Double(factors[$0]) * at(z, $0) * opens[$0]
            }
            let mean = sums.reduce(0, +) / Double(channels)
            let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
            let scale = 1 / (variance + 1e-3).squareRoot()
            let parts = sums.map { ($0 - mean) * scale }
            let scaled = (0..<channels).map { at(dy, $0) * Double(gain[$0]) }
            let a = scaled.reduce(0, +) / Double(channels)
            let b = zip(scaled, parts).reduce(0) { $0 + $1.0 * $1.1 } / Double(channels)
            for h in 0..<channels {
                #expect(
                    abs(at(y, h) - (Double(shift[h]) + parts[h] * Double(gain[h]))) < 2e-5)
                let gradient = scale * (scaled[h] - a - parts[h] * b)
                #expect(abs(at(dSum, h) - gradient) < 1e-4 * (1 + scale))
                let gated = Double(factors[h]) * gradient
                #expect(abs(at(dz, h) - gated * opens[h]) < 1e-4 * (1 + scale))
                let slope = gated * at(z, h) * opens[h] * (1 - opens[h])
                #expect(abs(at(dz, channels + h) - slope) < 1e-4 * (1 + scale))
                gainSums[h] += at(dy, h) * parts[h]
                shiftSums[h] += at(dy, h)
            }
        }
        for h in 0..<channels {
            #expect(abs(Double(dGain[h]) - gainSums[h]) < 1e-3)
            #expect(abs(Double(dShift[h]) - shiftSums[h]) < 1e-4)
        }
        #expect(y[count].isNaN && used[count] == z[count])
    }

    @Test(arguments: [1, 7, 8, 15, 16, 17, 40])
    func momentsOfARow(count: Int) {
        let x = numbers(count, seed: 11).map { $0 + 100 }
        let found = rowMoments(x, count: count)
        let mean = x.reduce(0) { $0 + Double($1) } / Double(count)
        let variance =
            x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
        #expect(abs(found.mean - mean) < 1e-10)
        #expect(abs(found.variance - variance) < 1e-10)
    }

    @Test(arguments: [1, 7, 8, 15, 16, 17, 40], [false, true])
    func rowsAreNormalisedAndRectified(count: Int, isOfRow: Bool) {
        let (x, dy) = (numbers(count, seed: 12), numbers(count, seed: 13))
        let (mean, inverse, gain, shift) = (Float(0.2), Float(1.5), Float(0.7), Float(0.1))
        var y = Array(repeating: Float.nan, count: count + 1)
        rectifiedNormalisation(
            x, mean: mean, inverse: inverse, gain: gain, shift: shift, count: count, into: &y)
        var dx = dy
        let sums = rectifiedNormalisationBackward(
            &dx, result: y, x: x, mean: mean, inverse: inverse, gain: gain, isOfRow: isOfRow,
            count: count)
        let parts = x.map { (Double($0) - 0.2) * 1.5 }
        let passed = (0..<count).map { y[$0] > 0 ? Double(dy[$0]) : 0 }
        let total = passed.reduce(0, +)
        let product = zip(passed, parts).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(Double(sums.shift) - total) < 1e-5)
        #expect(abs(Double(sums.gain) - product) < 1e-5)
        let share = isOfRow ? 1 / Double(count) : 0
        for i in 0..<count {
            #expect(abs(Double(y[i]) - max(0, parts[i] * 0.7 + 0.1)) < 1e-6)
            let inner = passed[i] - total * share - parts[i] * product * share
            #expect(abs(Double(dx[i]) - 0.7 * 1.5 * inner) < 1e-5)
        }
        #expect(y[count].isNaN)
    }

    @Test(arguments: [2, 7, 8, 9, 17, 33], [0, 1])
    func aTimeAmongWeightedOthers(count: Int, positive: Int) {
        let scores = numbers(count, seed: UInt64(14 + count), scale: 20)
        var weights = (0..<count).map { Float($0 % 3) }
        weights[positive] = 0
        var gradient = scores
        let found = contrast(&gradient, weights: weights, count: count, positive: positive)
        var terms = (0..<count).map {
            Double(weights[$0])
                * ElementaryFunctions.exponential(Double(scores[$0] - scores[positive]))
        }
        terms[positive] = 1
        let total = terms.reduce(0, +)
        #expect(abs(found.loss - ElementaryFunctions.logarithm(total)) < 1e-5 * (1 + found.loss))
        let best = (0..<count).filter { weights[$0] > 0 }.map { scores[$0] }.max()
        #expect(found.isFound == (best.map { $0 < scores[positive] } ?? true))
        for j in 0..<count {
            let expected = terms[j] / total - (j == positive ? 1 : 0)
            #expect(abs(Double(gradient[j]) - expected) < 1e-5)
        }
    }

    @Test func timesThatDoNotCountDoNotOverflow() {
        var scores: [Float] = [1, 3000, 0, -1]
        let found = contrast(&scores, weights: [0, 0, 2, 1], count: 4, positive: 0)
        let total =
            1 + 2 * ElementaryFunctions.exponential(-1) + ElementaryFunctions.exponential(-2)
        #expect(found.isFound)
        #expect(abs(found.loss - ElementaryFunctions.logarithm(total)) < 1e-6)
        #expect(scores[1] == 0 && scores.allSatisfy { $0.isFinite })
    }
}
