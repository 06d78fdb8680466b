import Configurations
import Kernels
import NeuralNetworks
@testable import Pretraining
import TestSupport
import Testing

/// Views that differ by what their stream draws, and by nothing else.
struct AugmentationTests {
    private let leads = 3
    private let samples = 400
    private let length = 300

    private func view(
        _ settings: AugmentationConfiguration, position: UInt32 = 0, of window: [Float]? = nil
    ) -> [Float] {
        var window = window ?? (0..<leads * samples).map { Float($0 % samples) }
        var random = RandomStream(seed: 1, purpose: .augmentation, step: 2, position: position)
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        return withExtendedLifetime(tape) {
            let view = tape.input(rows: leads, columns: length)
            view.numbers.update(repeating: .nan)
            window.withNumbers {
                Augmentation(settings, leads: leads, sampleRateHz: 250).make(
                    view, from: $0, random: &random, standardise: { _ in })
            }
            return view.array
        }
    }

    private func settings(
        crop: Double = 1, timeOut: Double = 0, noise: Double = 0, gain: Double = 1,
        mask: Double = 0, wander: Double = 0
    ) -> AugmentationConfiguration {
        AugmentationConfiguration(
            smallestCrop: crop, largestTimeOut: timeOut, noise: noise, largestGain: gain,
            leadMask: mask, baselineWander: wander)
    }

    @Test func withoutStrengthAViewIsTheStretchedWindow() {
        let expected = (0..<length).map { Float(399) * Float($0) / Float(299) }
        let view = view(settings())
        for lead in 0..<leads {
            for t in 0..<length { #expect(abs(view[lead * length + t] - expected[t]) < 1e-3) }
        }
    }

    @Test func cropsAreStretchesOfTheWindow() {
        for position in 0..<20 as Range<UInt32> {
            let view = view(settings(crop: 0.5), position: position)
            let span = view[length - 1] - view[0]
            #expect(view[0] >= 0 && view[length - 1] <= 399 && span >= 0.49 * 399)
            // The same part of every lead.
            #expect(Array(view[..<length]) == Array(view[length..<2 * length]))
        }
    }

    @Test func streamsDecideAlone() {
        let all = settings(crop: 0.5, timeOut: 0.4, noise: 0.05, gain: 2, mask: 0.3, wander: 0.1)
        #expect(view(all, position: 7) == view(all, position: 7))
        #expect(view(all, position: 7) != view(all, position: 8))
        #expect(view(all).allSatisfy { $0.isFinite })
    }

    @Test func blanksTimeInAllLeadsAndSparesALead() {
        let ones = [Float](repeating: 1, count: leads * samples)
        var (blanked, masked) = (0, 0)
        for position in 0..<200 as Range<UInt32> {
            let out = view(settings(timeOut: 0.4), position: position, of: ones)
            let zeros = out[..<length].filter { $0 == 0 }.count
            #expect(zeros <= 120)
            #expect(Array(out[..<length]) == Array(out[length..<2 * length]))
            blanked += zeros
            let leadsOut = view(settings(mask: 0.9), position: position, of: ones)
            let silent = (0..<leads).filter { leadsOut[$0 * length] == 0 }.count
            #expect(silent < leads)
            masked += silent
        }
        #expect(abs(Double(blanked) / 200 - 60) < 10)
        // Nine of ten, but for the lead that is spared.
        #expect(abs(Double(masked) / 200 - 1.8) < 0.1)
    }

    @Test func gainAndWanderStayWithinTheirBounds() {
        let ones = [Float](repeating: 1, count: leads * samples)
        let zeros = [Float](repeating: 0, count: leads * samples)
        for position in 0..<50 as Range<UInt32> {
            let gained = view(settings(gain: 2), position: position, of: ones)
            #expect(gained.allSatisfy { (0.5...2).contains($0) })
            let wandered = view(settings(wander: 0.3), position: position, of: zeros)
            #expect(wandered.allSatisfy { abs($0) <= 0.3001 })
            #expect(wandered.contains { $0 != 0 })
        }
    }

    @Test func noiseIsNormal() {
        var random = RandomStream(seed: 5, purpose: .test)
        var numbers = [Float](repeating: 0, count: 100_001)
        numbers.withNumbers {
            NormalTable.shared.addNoise(deviation: 2, random: &random, to: $0)
        }
        let count = Double(numbers.count)
        let mean = numbers.reduce(0) { $0 + Double($1) } / count
        let variance = numbers.reduce(0) { $0 + Double($1) * Double($1) } / count
        let fourth = numbers.reduce(0) { $0 + Double($1 * $1) * Double($1 * $1) } / count
        #expect(abs(mean) < 0.02)
        #expect(abs(variance - 4) < 0.06)
        #expect(abs(fourth / (variance * variance) - 3) < 0.08)
    }

    @Test func rowsInTurns() {
        #expect(
            gradientError(shapes: [[3, 4], [3, 4]]) { tape, v in tape.interleavedRows(v[0], v[1]) }
                < 5e-3)
        #expect(
            gradientError(shapes: [[3, 4]]) { tape, v in tape.interleavedRows(v[0], v[0]) } < 5e-3)
    }
}
