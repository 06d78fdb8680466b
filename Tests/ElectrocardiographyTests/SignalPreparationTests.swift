import Checkpoints
import Foundation
import Kernels
import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

@Suite struct SignalPreparationTests {
    @Test func agreesWithEveryGoldenCase() throws {
        let golden = Fixtures.goldenFolder
        let manifest = try JSONValue(
            parsing: Data(contentsOf: URL(fileURLWithPath: golden + "/manifest.json")))
        let names = (manifest.arrayValue ?? []).compactMap { $0["file"]?.stringValue }
            .filter { $0.hasPrefix("prep_signal") }
        #expect(!names.isEmpty)
        for name in names { try check(SafetensorsFile(path: "\(golden)/\(name)")) }
    }

    private func check(_ file: SafetensorsFile) throws {
        let input = try file.tensor("x500")
        let expected = try file.tensor("x250")
        let (leads, count) = (input.shape[0], expected.shape[1])
        let resampler = Resampler(inputCount: input.shape[1], outputCount: count)
        var signal = [Float](repeating: 0, count: leads * count)
        let rows = (0..<leads).map {
            UnsafeBufferPointer(
                rebasing: input.floats[$0 * input.shape[1]..<($0 + 1) * input.shape[1]])
        }
        signal.withUnsafeMutableBufferPointer { resampler.resample(rows, into: $0) }
        expectClose(signal, expected.floatArray, "x250")
        for (band, cutoff, tensor) in [
            (ButterworthFilter.Band.high, 0.67, "sos_highpass64"), (.low, 40, "sos_lowpass64"),
        ] {
            let sections = ButterworthFilter.sections(band, cutoffHz: cutoff, sampleRateHz: 250)
            let flat: [Double] = sections.flatMap { [$0.b0, $0.b1, $0.b2, 1, $0.a1, $0.a2] }
            let stored = try file.tensor(tensor)
            let golden = (0..<stored.count).map {
                stored.bytes.load(fromByteOffset: 8 * $0, as: Double.self)
            }
            #expect(flat.count == golden.count)
            for (ours, theirs) in zip(flat, golden) {
                #expect(abs(ours - theirs) < 1e-12, "\(tensor): \(ours), \(theirs)")
            }
        }
        var conditioner = SignalConditioner(
            sampleRateHz: 250, sampleCapacity: count, leadCapacity: leads)
        let x250 = expected.floatArray
        var filtered = x250
        filtered.withNumbers {
            conditioner.condition($0, leadCount: leads, filters: true, standardise: false)
        }
        expectClose(filtered, try file.tensor("after_lowpass").floatArray, "after_lowpass")
        var standardised = x250
        standardised.withNumbers {
            conditioner.condition($0, leadCount: leads, filters: true, standardise: true)
        }
        expectClose(standardised, try file.tensor("standardised").floatArray, "standardised")
    }

    private func expectClose(_ actual: [Float], _ expected: [Float], _ name: String) {
        let scale = expected.map(abs).max() ?? 1
        let worst = zip(actual, expected).map { abs($0 - $1) }.max() ?? 0
        #expect(worst / scale < 1e-6, "\(name): \(worst / scale)")
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 12, 30, 61, 62, 64, 67, 97, 134, 211, 1000])
    func fourierTransformAgreesWithItsDefinition(count: Int) {
        var random = RandomStream(seed: 5, purpose: .test, step: UInt64(count))
        typealias Lanes = FourierTransform.Lanes
        var re = (0..<count).map { _ in Lanes(repeating: random.nextDouble() - 0.5) }
        var im = (0..<count).map { _ in Lanes(repeating: random.nextDouble() - 0.5) }
        let (x, y) = (re.map { $0[3] }, im.map { $0[3] })
        let transform = FourierTransform(count: count)
        re.withUnsafeMutableBufferPointer { re in
            im.withUnsafeMutableBufferPointer { im in transform.forward(re, im) }
        }
        for k in 0..<count {
            var sum = (0.0, 0.0)
            for j in 0..<count {
                let angle = -2 * Double.pi * Double(j * k % count) / Double(count)
                sum.0 += x[j] * cos(angle) - y[j] * sin(angle)
                sum.1 += x[j] * sin(angle) + y[j] * cos(angle)
            }
            #expect(abs(sum.0 - re[k][3]) < 1e-11 && abs(sum.1 - im[k][5]) < 1e-11)
        }
    }

    @Test(arguments: [(100, 250), (250, 100), (101, 250), (2570, 2500), (1280, 2500), (33, 99)])
    func resamplingKeepsASineInTheSharedBand(inputCount: Int, outputCount: Int) {
        func sine(_ count: Int, lead: Int) -> [Float] {
            (0..<count).map {
                Float(
                    cos(2 * .pi * Double(lead % 5 + 1) * Double($0) / Double(count))
                        + Double(lead))
            }
        }
        let leads = (0..<19).map { sine(inputCount, lead: $0) }
        let resampler = Resampler(inputCount: inputCount, outputCount: outputCount)
        var result = [Float](repeating: 0, count: 19 * outputCount)
        result.withUnsafeMutableBufferPointer { result in
            withRows(leads) { resampler.resample($0, into: result) }
        }
        for lead in 0..<19 {
            let expected = sine(outputCount, lead: lead)
            for t in 0..<outputCount {
                #expect(abs(result[lead * outputCount + t] - expected[t]) < 1e-5)
            }
        }
    }

    private func withRows(
        _ rows: [[Float]], _ body: ([UnsafeBufferPointer<Float>]) -> Void
    ) {
        let all = rows.flatMap { $0 }
        all.withUnsafeBufferPointer { all in
            var start = 0
            body(
                rows.map { row in
                    defer { start += row.count }
                    return UnsafeBufferPointer(rebasing: all[start..<start + row.count])
                })
        }
    }

    @Test func aFlatSignalStandardisesToZero() {
        var signal = [Float](repeating: 0.25, count: 12 * 100)
        var conditioner = SignalConditioner(sampleCapacity: 100)
        signal.withNumbers {
            conditioner.condition($0, leadCount: 12, filters: false, standardise: true)
        }
        #expect(signal.allSatisfy { $0 == 0 })
    }

    @Test func theLeadsOfAVectorDoNotMix() {
        var random = RandomStream(seed: 6, purpose: .test)
        let signal = (0..<12 * 300).map { _ in random.nextUniform() - 0.5 }
        var together = signal
        var conditioner = SignalConditioner(sampleCapacity: 300)
        together.withNumbers {
            conditioner.condition($0, leadCount: 12, filters: true, standardise: false)
        }
        for lead in 0..<12 {
            var alone = Array(signal[lead * 300..<(lead + 1) * 300])
            alone.withNumbers {
                conditioner.condition($0, leadCount: 1, filters: true, standardise: false)
            }
            #expect(alone[...] == together[lead * 300..<(lead + 1) * 300])
        }
    }
}
