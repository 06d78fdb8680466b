import Foundation
import Kernels
import NeuralNetworks
import TestSupport
import Testing

@testable import Pretraining

/// Losses against their published equations, written out in double, and their gradients against differences of these equations.
@Suite struct LossDefinitionTests {
    private typealias Rows = [[Double]]

    private func random(_ rows: Int, _ columns: Int, part: UInt32) -> GoldenTensor {
        var random = RandomStream(
            seed: 23, purpose: .test, step: UInt64(rows * 1000 + columns), position: part)
        let numbers = (0..<rows * columns).map { _ in Double(Float(random.nextNormal())) }
        return GoldenTensor(shape: [rows, columns], doubles: numbers)
    }

    private func rows(_ x: [Double], columns: Int) -> Rows {
        stride(from: 0, to: x.count, by: columns).map { Array(x[$0..<$0 + columns]) }
    }

    private func product(_ x: [Double], _ y: [Double]) -> Double {
        zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private func cosine(_ x: [Double], _ y: [Double]) -> Double {
        product(x, y) / (product(x, x) * product(y, y)).squareRoot()
    }

    /// Expects a loss of one tensor, and its gradient, to be those of a definition.
    ///
    /// Float's roundings allow 1e-5 and 1e-4, and 1e-5 where a gradient is 0 because its parts cancel. Of large tensors every thirteenth
    /// number is looked at, which comes to every column.
    private func check(
        _ x: GoldenTensor, _ loss: (Tape, Value) -> Value, _ definition: ([Double]) -> Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let graph = TestGraph([("x", x)])
        let found = graph.run(cotangent: [1]) { tape, v in loss(tape, v[0]) }
        let expected = definition(x.doubles)
        #expect(
            abs(Double(found[0]) - expected) <= 1e-5 * max(1, abs(expected)),
            sourceLocation: sourceLocation)
        let (count, step) = (x.doubles.count, 1e-5)
        let slopes = stride(from: 0, to: count, by: count > 64 ? 13 : 1).map { index in
            var (above, below) = (x.doubles, x.doubles)
            above[index] += step
            below[index] -= step
            return (index, (definition(above) - definition(below)) / (2 * step))
        }
        let largest = max(slopes.map { abs($0.1) }.max() ?? 0, 0.1)
        for (index, slope) in slopes {
            #expect(
                abs(Double(graph.gradient("x")[index]) - slope) <= 1e-4 * largest,
                "number \(index)",
                sourceLocation: sourceLocation)
        }
    }

    /// Chen et al., 2020, equation 1, averaged over all rows.
    @Test(arguments: [1, 2, 3, 8], [1, 7, 8, 33]) func ntXent(pairs: Int, width: Int) {
        let temperature = 0.5
        check(random(2 * pairs, width, part: 1)) { tape, x in
            let z = tape.l2Normalised(x)
            return tape.ntXent(z, in: EmbeddingBatch(whole: z), temperature: temperature).value
        } _: { x in
            let z = rows(x, columns: width)
            let terms = z.indices.map { i in
                let others = z.indices.filter { $0 != i }
                let total = others.reduce(0) { $0 + exp(cosine(z[i], z[$1]) / temperature) }
                let partner = i % 2 == 0 ? i + 1 : i - 1
                return -log(exp(cosine(z[i], z[partner]) / temperature) / total)
            }
            return terms.reduce(0, +) / Double(terms.count)
        }
    }

    /// Kiyasseh et al., 2021, equations 1 to 4, with the four means of the authors' code.
    @Test(arguments: [[7], [0, 1, 2], [0, 1, 0, 0, 1]], [1, 8, 33])
    func cmsc(patients: [Int], width: Int) {
        let temperature = 0.4
        check(random(2 * patients.count, width, part: 2)) { tape, x in
            let z = tape.l2Normalised(x)
            return tape.cmsc(
                z, in: EmbeddingBatch(whole: z), patients: patients, terms: .four,
                temperature: temperature
            ).value
        } _: { x in
            let z = rows(x, columns: width)
            let n = patients.count
            let e = (0..<n).map { i in
                (0..<n).map { exp(cosine(z[2 * i], z[2 * $0 + 1]) / temperature) }
            }
            func byRow(_ i: Int, _ j: Int) -> Double { -log(e[i][j] / e[i].reduce(0, +)) }
            func byColumn(_ i: Int, _ j: Int) -> Double {
                -log(e[i][j] / e.map { $0[j] }.reduce(0, +))
            }
            func mean(_ numbers: [Double]) -> Double {
                numbers.reduce(0, +) / Double(numbers.count)
            }
            let pairs = (0..<n).flatMap { i in
                (0..<n).filter { i < $0 && patients[i] == patients[$0] }.map { (i, $0) }
            }
            var means = [
                mean((0..<n).map { byRow($0, $0) }), mean((0..<n).map { byColumn($0, $0) }),
            ]
            if !pairs.isEmpty {
                means.append(mean(pairs.map { byRow($0.0, $0.1) }))
                means.append(mean(pairs.map { byColumn($0.1, $0.0) }))
            }
            return mean(means)
        }
    }

    /// van den Oord et al., 2018, equation 4: a latent among others of the same sequence.
    @Test(arguments: [1, 3], [0, 1, 7]) func infoNCEWithinSequences(horizons: Int, count: Int) {
        for width in [1, 8, 17] { checkWithin(horizons: horizons, count: count, width: width) }
    }

    private func checkWithin(horizons: Int, count: Int, width: Int) {
        let (samples, time) = (2, 5)
        var stream = RandomStream(seed: 5, purpose: .test, step: UInt64(count))
        let negatives = (0..<horizons * samples * time * count).map { _ in
            Int32(stream.nextInteger(below: samples * time))
        }
        let latents = random(samples * time, width, part: 3)
        check(random(samples * time, horizons * width, part: 4)) { tape, x in
            tape.infoNCE(
                predictions: x, latents: tape.matrix(latents.floats, columns: width), time: time,
                negatives: tape.numbers(negatives), count: count
            ).value
        } _: { x in
            let (guesses, truth) = (
                rows(x, columns: width), rows(latents.doubles, columns: width)
            )
            var terms: [Double] = []
            for (k, sample) in (0..<horizons).flatMap({ k in (0..<samples).map { (k, $0) } }) {
                for t in 0..<time - k - 1 {
                    let place = sample * time + t
                    let guess = guesses[place * horizons + k]
                    let others = ((k * samples + sample) * time + t) * count
                    let scores =
                        [product(guess, truth[place + k + 1])]
                        + (0..<count).map { product(guess, truth[Int(negatives[others + $0])]) }
                    terms.append(log(scores.reduce(0) { $0 + exp($1) }) - scores[0])
                }
            }
            return terms.reduce(0, +) / Double(terms.count)
        }
    }

    /// The same equation with the other samples of the batch as negatives.
    @Test(arguments: [1, 2, 5], [1, 3]) func infoNCEOverTheBatch(samples: Int, horizons: Int) {
        for width in [1, 8, 17] { checkOver(samples: samples, horizons: horizons, width: width) }
    }

    private func checkOver(samples: Int, horizons: Int, width: Int) {
        let truth = random(samples * horizons, width, part: 5)
        check(random(samples * horizons, width, part: 6)) { tape, x in
            let latents = tape.input(rows: samples * horizons, columns: width)
            latents.numbers.update(from: truth.floats.span)
            return tape.infoNCE(
                latents: latents, predictions: x,
                in: interleaved(latents, x, horizons: horizons, on: tape), horizons: horizons
            ).value
        } _: { x in
            let (guesses, latents) = (
                rows(x, columns: width), rows(truth.doubles, columns: width)
            )
            var total = 0.0
            for k in 0..<horizons {
                for i in 0..<samples {
                    let latent = latents[i * horizons + k]
                    let scores = (0..<samples).map { product(latent, guesses[$0 * horizons + k]) }
                    total += log(scores.reduce(0) { $0 + exp($1) }) - scores[i]
                }
            }
            return total / Double(samples * horizons)
        }
    }

    /// He et al., 2022, "Masked autoencoders are scalable vision learners": squared error of standardised patches.
    @Test(arguments: [1, 3], [2, 7, 8, 33]) func patchLoss(count: Int, width: Int) {
        for normalises in [true, false] {
            check(count: count, width: width, normalises: normalises)
        }
    }

    private func check(count: Int, width: Int, normalises: Bool) {
        let patches = random(5, width, part: 7)
        let chosen: [Int32] = Array([4, 0, 2].prefix(count))
        check(random(count, width, part: 8)) { tape, x in
            let all = tape.matrix(patches.floats, columns: width)
            return tape.patchLoss(
                x, patches: all, rows: tape.numbers(chosen), normalises: normalises
            ).value
        } _: { x in
            let all = rows(patches.doubles, columns: width)
            let errors = zip(rows(x, columns: width), chosen).flatMap { guess, row in
                let patch = all[Int(row)]
                let mean = patch.reduce(0, +) / Double(width)
                let squares = patch.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
                let deviation = (squares / Double(width - 1) + 1e-6).squareRoot()
                return zip(guess, patch).map { guess, number in
                    guess - (normalises ? (number - mean) / deviation : number)
                }
            }
            return errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)
        }
    }
}
