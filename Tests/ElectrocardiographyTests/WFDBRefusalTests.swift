import Foundation
import Kernels
import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

/// Damaged and absurd records: an error that names file and field, never a crash.
@Suite struct WFDBRefusalTests {
    @Test(arguments: [
        ("", "record line"), ("# only a comment", "record line"),
        ("r.mat 1 500 10\nr.mat 16 1000 16 0 0 0 0 I", "record name"),
        ("r -1 500 10", "number of signals"), ("r 9999999999999999999 500 10", "number of signals"),
        ("r 5000 500 10", "number of signals"), ("r x", "number of signals"),
        ("r", "number of signals"),
        ("r 1 0 10", "sampling rate"), ("r 1 -500 10", "sampling rate"),
        ("r 1 nan 10", "sampling rate"), ("r 1 1e300 10", "sampling rate"),
        ("r 1 500 -10", "number of samples"), ("r 1 500 1000000000000", "number of samples"),
        ("r 1 500 10 r.dat 16\n", "record line"),
        ("r 2 500 10\nr.dat 16", "signals"), ("r 2 500 10\nr.dat 16\n# r.dat 16", "signals"),
        ("r 1 500 10\nr.dat", "format"), ("r 1 500 10\nr.dat 17 1000", "format"),
        ("r 1 500 10\nr.dat 16y 1000", "format"),
        ("r 1 500 10\nr.dat 16x0 1000", "samples per frame"),
        ("r 1 500 10\nr.dat 16x99999 1000", "samples per frame"),
        ("r 1 500 10\nr.dat 16:-2 1000", "skew"), ("r 1 500 10\nr.dat 16+x 1000", "byte offset"),
        ("r 1 500 10\nr.dat 16 0(x)/mV", "baseline"), ("r 1 500 10\nr.dat 16 nan/mV", "gain"),
        ("r 1 500 10\nr.dat 16 1e-300/mV", "gain"), ("r 1 500 10\nr.dat 16 1000(x)/mV", "baseline"),
        ("r 1 500 10\nr.dat 16 1000(0/mV", "baseline"), ("r 1 500 10\nr.dat 16 abc", "gain"),
        ("r 1 500 10\nr.dat 16 1000 x", "resolution"),
        ("r 1 500 10\nr.dat 16 1000 16 0 1e9", "initial value"),
        ("r 1 500 10\n../r.dat 16 1000", "file name"),
        ("r 1 500 10\nmissing.dat 16 1000", "signal file"),
        ("r 1 500 1000000\nr.dat 16 1000", "samples"), ("r 1 500 10\nr.dat 16+100 1000", "samples"),
        ("r 1 500 10\nr.dat 16 1000 16 0 0 7 0 I", "samples of I"),
        ("r 2 500 10\nr.dat 16 1000\nr.dat 212 1000", "format"),
        ("r/0 1 500 10", "number of segments"), ("r/2 1 500 10\na 10", "segments"),
        ("r/1 1 500 10\na x", "line 2"), ("r/2 1 500 10\na 5\nb 6", "number of samples"),
        ("r/2 1 500 10\na 5\nb 5", "segment a"), ("r/1 1 500 10\n~ 10", "segments"),
        ("r/1 1 500 20\nr 20", "segments"),
        ("r/2 1 500 68719476736\nr 0\n~ 68719476736", "segments"),
    ])
    func absurdHeadersAreRefusedByField(header: String, field: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(header, to: "r.hea")
        try folder.write([UInt8](repeating: 0, count: 20), to: "r.dat")
        #expect {
            _ = try WFDBRecord.read(folder.file("r"))
        } throws: { error in
            guard let error = error as? WFDBError else { return false }
            return error.field.contains(field) && error.file.hasPrefix(folder.path)
        }
    }

    private static let header = """
        r 2 250 40
        r.dat 16 1000(0)/mV 16 0 1 -780 0 I
        r.dat 16 200/uV 16 0 3 1560 0 II
        # Age: 50
        """

    private func samples() -> [UInt8] {
        (0..<40).flatMap { t -> [UInt8] in
            [Int16(1 - t), Int16(2 * t)].flatMap {
                [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
            }
        }
    }

    @Test func everyTruncationIsRefusedOrReadsTheSame() throws {
        let folder = try TemporaryFolder()
        let bytes = samples()
        let header = Self.header.replacingOccurrences(of: "1 -780", with: "1 -740")
        try folder.write(header, to: "r.hea")
        try folder.write(bytes, to: "r.dat")
        let whole = try WFDBRecord.read(folder.file("r"))
        #expect(whole.signals[0].samples[3] == -0.002 && whole.signals[1].units == "mV")
        for count in 0..<bytes.count {
            try folder.write(bytes.prefix(count), to: "r.dat")
            #expect(throws: WFDBError.self) { try WFDBRecord.read(folder.file("r")) }
        }
        try folder.write(bytes, to: "r.dat")
        for count in 0..<header.utf8.count {
            try folder.write(header.utf8.prefix(count), to: "r.hea")
            let cut = try? WFDBRecord.read(folder.file("r"))
            if let cut { #expect(cut.signals.count == 2 && cut.sampleCount == 40) }
        }
    }

    @Test func everyFlippedBitOfTheSamplesIsFound() throws {
        let folder = try TemporaryFolder()
        let header = Self.header.replacingOccurrences(of: "1 -780", with: "1 -740")
        try folder.write(header, to: "r.hea")
        for bit in 0..<8 * samples().count {
            var bytes = samples()
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try folder.write(bytes, to: "r.dat")
            #expect {
                try WFDBRecord.read(folder.file("r"))
            } throws: {
                ($0 as? WFDBError)?.kind == .checksum
            }
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func randomDamageNeverCrashes(seed: UInt64) throws {
        var random = RandomStream(seed: seed, purpose: .test)
        let folder = try TemporaryFolder()
        let formats = SignalFormat.allCases
        for _ in 0..<40 {
            let format = formats[random.nextInteger(below: formats.count)].rawValue
            var header = Array(
                """
                r 3 250 \(random.nextInteger(below: 50))
                r.dat \(format)x\(1 + random.nextInteger(below: 3)):\(random.nextInteger(below: 4)) 1000(0)/mV 16 0 1
                r.dat \(format) 200 16 0 3
                r.dat \(format)+\(random.nextInteger(below: 8)) 200
                # Age: 50
                """.utf8)
            for _ in 0..<random.nextInteger(below: 4) {
                let at = random.nextInteger(below: header.count)
                header[at] ^= 1 << UInt8(random.nextInteger(below: 8))
            }
            try folder.write(header, to: "r.hea")
            let size = random.nextInteger(below: 900)
            try folder.write(
                (0..<size).map { _ in UInt8(truncatingIfNeeded: random.nextWord()) }, to: "r.dat")
            for frames in [WFDBRecord.Options.Frames.averaged, .expanded] {
                let lower = random.nextInteger(below: 20)
                _ = try? WFDBRecord.read(
                    folder.file("r"), options: .init(frames: frames))
                _ = try? WFDBRecord.read(
                    folder.file("r"),
                    options: .init(range: lower..<lower + 7, frames: frames))
            }
        }
    }

    @Test func aPartOfARecordIsThePartOfTheWhole() throws {
        let folder = try TemporaryFolder()
        var random = RandomStream(seed: 9, purpose: .test)
        for format in SignalFormat.allCases {
            try folder.write(
                """
                r 3 250 61
                r.dat \(format.rawValue)x2:1 1000(0)/mV
                r.dat \(format.rawValue):3 200
                r.dat \(format.rawValue) 200
                """, to: "r.hea")
            try folder.write(
                (0..<1000).map { _ in UInt8(truncatingIfNeeded: random.nextWord()) }, to: "r.dat")
            for frames in [WFDBRecord.Options.Frames.averaged, .expanded] {
                let whole = try WFDBRecord.read(
                    folder.file("r"), options: .init(frames: frames))
                let factor = frames == .expanded ? 2 : 1
                for range in [0..<0, 0..<1, 5..<6, 7..<40, 13..<61, 58..<61, 0..<61] {
                    let part = try WFDBRecord.read(
                        folder.file("r"), options: .init(range: range, frames: frames))
                    for (a, b) in zip(part.signals, whole.signals) {
                        let expected = b.samples[
                            factor * range.lowerBound..<factor * range.upperBound]
                        #expect(a.samples.map(\.bitPattern) == expected.map(\.bitPattern))
                    }
                }
            }
        }
    }
}
