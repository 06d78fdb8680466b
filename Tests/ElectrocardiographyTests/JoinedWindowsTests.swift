import Foundation
import Kernels
import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

/// Windows of one record that follow one another join as the record does.
@Suite struct JoinedWindowsTests {
    private static func wave(_ lead: Int, _ second: Double) -> Double {
        0.8 * sin(2 * .pi * (1.37 + 0.1 * Double(lead)) * second + 0.4)
    }

    /// Irregular, so that no two windows are alike.
    private static func noise(_ lead: Int, _ second: Double) -> Double {
        var random = RandomStream(
            seed: 3, purpose: .test, step: UInt64(second * 1e6), position: UInt32(lead))
        return random.nextDouble() - 0.5
    }

    private static func prepared(
        _ folder: TemporaryFolder, _ name: String = "set", first: Bool = false
    ) throws -> PreparedDataset {
        _ = try DatasetPreparation(
            DatasetPreparation.Options(
                sources: [folder.file("ecg")], output: folder.file(name),
                takesFirstWindowOnly: first)
        ).run()
        return try PreparedDataset(path: folder.file(name))
    }

    private static func window(_ index: Int, of set: PreparedDataset) throws -> [Float] {
        var signal = [Float](repeating: 0, count: 12 * set.samplesPerWindow)
        var span = signal.mutableSpan
        try set.readMillivolts(window: index, into: &span)
        return signal
    }

    /// What a window is where it is resampled by itself, in mV before rounding.
    private static func alone(_ window: [Float]) -> [Float] {
        let resampler = Resampler(inputCount: window.count / 12, outputCount: 2_500)
        var (input, output) = (window, [Float](repeating: 0, count: 12 * 2_500))
        input.withNumbers { input in
            output.withNumbers { resampler.resample(input, into: $0) }
        }
        return output
    }

    /// The first ten seconds of a record as they are read, resampled by themselves and rounded as in a set.
    private static func firstWindowAlone(_ path: FilePath, rate: Int) throws -> [Float] {
        let leads = try WFDBRecord.read(path).standardLeads().compactMap { $0?.samples }
        let unit = Float(sign: .plus, exponent: -14, significand: 1)
        return alone(leads.flatMap { $0[..<(10 * rate)] })
            .map { ($0 / unit).rounded(.toNearestOrEven) * unit }
    }

    /// Of 0.1 s on either side of a boundary, the largest distance from the curve itself, in mV.
    private static func seam(
        _ windows: [[Float]], _ boundary: Int, _ wave: (Int, Double) -> Double
    ) -> Double {
        var largest = 0.0
        for lead in 0..<12 {
            for t in -25..<25 {
                let place = t < 0 ? 2_500 + t : t
                let value = windows[t < 0 ? boundary - 1 : boundary][lead * 2_500 + place]
                let exact = wave(lead, Double(boundary * 2_500 + t) / 250)
                largest = max(largest, abs(Double(value) - exact))
            }
        }
        return largest
    }

    /// A record of 30 s: what is left at its boundaries is rounding (0.05 microvolts a unit where it is read, 0.06 where it
    /// is written) and, 10 s away from the ends of what is resampled at once, a ten thousandth of the step between them.
    @Test(arguments: [500, 257, 1000])
    func aSinusoidGoesOnOverTheBoundary(rate: Int) throws {
        let folder = try TemporaryFolder()
        try folder.writeRecord("ecg/a", seconds: 30, rateHz: rate, millivolts: Self.wave)
        let set = try Self.prepared(folder)
        #expect(set.windowCount == 3 && set.joinsWindows)
        #expect((0..<3).map(set.isFollowed) == [true, true, false])
        let windows = try (0..<3).map { try Self.window($0, of: set) }
        let apart = (0..<3).map { number in
            Self.alone(
                (0..<12 * 10 * rate).map { i in
                    let (lead, t) = i.quotientAndRemainder(dividingBy: 10 * rate)
                    return Float(Self.wave(lead, Double(number * 10 * rate + t) / Double(rate)))
                })
        }
        for boundary in 1...2 {
            let (joined, before) = (
                Self.seam(windows, boundary, Self.wave), Self.seam(apart, boundary, Self.wave)
            )
            #expect(joined < 0.000_3, "\(joined) mV at \(rate) Hz")
            #expect(before > 0.005, "\(before) mV at \(rate) Hz")
        }
    }

    /// Records of one window have the samples, and the set the bytes, that they always had.
    @Test(arguments: [10.0, 19.9])
    func aRecordOfOneWindowIsResampledByItself(seconds: Double) throws {
        let folder = try TemporaryFolder()
        try folder.writeRecord("ecg/a", seconds: seconds, rateHz: 500, millivolts: Self.wave)
        let set = try Self.prepared(folder)
        #expect(set.windowCount == 1 && !set.isFollowed(window: 0) && !set.joinsWindows)
        #expect(
            try Self.window(0, of: set)
                == Self.firstWindowAlone(folder.file("ecg/a"), rate: 500))
        let statements = try folder.read("set")[128..<4096]
        #expect(statements.allSatisfy { $0 == 0 })
    }

    @Test func nothingJoinsOverAGap() throws {
        let folder = try TemporaryFolder()
        try folder.writeRecord(
            "ecg/a", seconds: 50, rateHz: 500, invalidSeconds: [15], millivolts: Self.wave)
        try folder.writeRecord("ecg/b", seconds: 20, rateHz: 500, millivolts: Self.wave)
        let set = try Self.prepared(folder)
        #expect((0..<set.windowCount).map { set.window($0).piece } == [0, 2, 3, 4, 0, 1])
        #expect(
            (0..<set.windowCount).map(set.isFollowed)
                == [false, true, true, false, true, false])
        for window in 0..<set.windowCount where set.isFollowed(window: window) {
            #expect(set.window(window).record.name == set.window(window + 1).record.name)
        }
        // Before the gap there is nothing that it could be resampled with.
        #expect(
            try Self.window(0, of: set)
                == Self.firstWindowAlone(folder.file("ecg/a"), rate: 500))
    }

    /// What a window is does not depend on which ones are stored: sets are compared by their samples.
    @Test func theFirstWindowAloneIsTheSame() throws {
        let folder = try TemporaryFolder()
        try folder.writeRecord("ecg/a", seconds: 30, rateHz: 500, millivolts: Self.noise)
        let (all, first) = (
            try Self.prepared(folder), try Self.prepared(folder, "first", first: true)
        )
        #expect(first.windowCount == 1 && !first.joinsWindows)
        #expect(try Self.window(0, of: first) == Self.window(0, of: all))
        #expect(first.windows(sharedWith: all) { _ in true } == [0])
    }

    /// A record that is read in parts has the windows of one that is read at once; what is read twice counts once in the
    /// digest, part by part and lead by lead.
    @Test func partsOfALongRecordJoin() throws {
        let folder = try TemporaryFolder()
        try folder.writeRecord(
            "ecg/a", seconds: 67, rateHz: 100, invalidSeconds: [31], millivolts: Self.noise)
        func preparation(_ windowsAtOnce: Int) -> RecordPreparation {
            RecordPreparation(
                rateHz: 250, samplesPerWindow: 2_500, takesFirstOnly: false,
                valuesAtOnce: windowsAtOnce * 12_000)
        }
        let whole = preparation(10)
        let expected = whole.prepare(folder.file("ecg/a"))
        #expect(expected.windows.map(\.piece) == [0, 1, 2, 4, 5])
        let leads = try WFDBRecord.read(folder.file("ecg/a")).standardLeads().compactMap {
            $0?.samples
        }
        for count in 1...5 {
            let parts = preparation(count)
            let found = parts.prepare(folder.file("ecg/a"))
            #expect(parts.samples == whole.samples, "\(count) windows at once")
            var hash = SHA256()
            withUnsafeBytes(of: 100.0.bitPattern.littleEndian) { hash.update($0) }
            for first in stride(from: 0, to: 6, by: count) {
                let end = first + count >= 6 ? 6_700 : (first + count) * 1_000
                for lead in leads {
                    lead[first * 1_000..<end].withUnsafeBytes { hash.update($0) }
                }
            }
            let digest = hash.finish()
            #expect(found.signalDigest == "\(digest)")
            #expect(found.windows.map(\.piece) == expected.windows.map(\.piece))
            #expect(found.invalidWindowCount == 1)
        }
    }

    /// A set from before does not say that its windows join, and goes on being read; a damaged statement is no set.
    @Test func aSetSaysThatItsWindowsJoin() throws {
        let folder = try TemporaryFolder()
        try folder.writeRecord("ecg/a", seconds: 20, rateHz: 500, millivolts: Self.wave)
        let set = try Self.prepared(folder)
        var bytes = try folder.read("set")
        bytes.replaceSubrange(128..<4096, with: repeatElement(0, count: 4096 - 128))
        let former = try PreparedDataset(path: folder.write(bytes, to: "former"))
        #expect(!former.joinsWindows && former.digest == set.digest)
        #expect(former.isFollowed(window: 0))
        try former.verify()
        let statements = PreparedFormat.Statements(featureVersion: "x", joinsWindows: true)
        bytes.replaceSubrange(128..<128 + statements.encoded.count, with: statements.encoded)
        let both = try PreparedDataset(path: folder.write(bytes, to: "both"))
        #expect(both.joinsWindows && both.clinicalFeatureVersion == "x")
        bytes[128 + 12] ^= 1
        #expect(throws: PreparedDatasetError.self) {
            try PreparedDataset(path: folder.write(bytes, to: "damaged"))
        }
    }
}
