import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks
import TestSupport
import Testing

@testable import Pretraining

/// Records of several windows: sample t of a lead of a record is a number of its own, however the record is cut.
private struct LongRecords: WindowSource {
    let samplesPerWindow: Int
    /// Windows of each record.
    let windows: [Int]
    /// Windows behind which there is a gap.
    var gaps: Set<Int> = []

    func place(_ window: Int) -> (record: Int, piece: Int) {
        var rest = window
        for (record, count) in windows.enumerated() {
            if rest < count { return (record, rest) }
            rest -= count
        }
        preconditionFailure("window \(window) of \(windows)")
    }

    static func value(_ record: Int, _ lead: Int, _ t: Int) -> Float {
        var random = RandomStream(
            seed: UInt64(record), purpose: .test, step: UInt64(t), position: UInt32(lead))
        return Float(random.nextNormal())
    }

    func isFollowed(window: Int) -> Bool {
        let (record, piece) = place(window)
        return piece + 1 < windows[record] && !gaps.contains(window)
    }

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
        let (record, piece) = place(window)
        for i in 0..<signal.count {
            let (lead, t) = i.quotientAndRemainder(dividingBy: samplesPerWindow)
            signal[i] = Self.value(record, lead, piece * samplesPerWindow + t)
        }
    }

    func facts(of window: Int) -> WindowFacts {
        WindowFacts(
            record: "\(place(window).record)", patient: place(window).record, superclasses: [])
    }
}

/// Crops that run on into the next window of their record.
struct CropPlaceTests {
    private let source = LongRecords(samplesPerWindow: 250, windows: [3, 1, 2, 4], gaps: [7])

    private func input(
        _ crops: InputConfiguration.Crops = .record, crop: Int = 100, filters: Bool = false
    ) throws -> InputConfiguration {
        try Configuration([
            "method": "st-mem",
            "input": [
                "crops": .string(crops.rawValue), "cropSamples": .integer(Int64(crop)),
                "patchSamples": 25, "filterBeforeCrop": .boolean(filters),
            ],
        ]).input
    }

    private func shard(_ windows: [Int], step: UInt64, role: Shard.Role = .training) -> Shard {
        Shard(seed: 5, step: step, firstPosition: 3, windows: windows, role: role)
    }

    private func place(
        _ window: Int, step: UInt64, length: Int = 100,
        crops: InputConfiguration.Crops = .record, role: Shard.Role = .training
    ) -> CropPlace {
        shard([window], step: step, role: role).cropPlace(
            ofSample: 0, length: length, windowSamples: 250, crops: crops, from: source)
    }

    @Test(arguments: [100, 250])
    func cropsBeginAnywhereInAWindowThatIsFollowed(length: Int) {
        var counts = Array(repeating: 0, count: 10)
        for step in 0..<5_000 {
            let place = place(4, step: UInt64(step), length: length)
            #expect(place.windows == 4..<(place.start + length > 250 ? 6 : 5))
            let behind = max(0, place.start + length - 250)
            #expect(place.mainWindow == (2 * behind > length ? 5 : 4))
            counts[place.start / 25] += 1
        }
        // Of 5,000 draws 500 are expected in each tenth, give or take 21.
        #expect(counts.allSatisfy { (400...600).contains($0) }, "\(counts)")
        #expect(counts.reduce(0, +) == 5_000)
    }

    /// The last window of a record, a record of one window, and one before a gap: as without the key.
    @Test(arguments: [2, 3, 5, 7, 9])
    func noCropLeavesItsRecord(window: Int) {
        for step in 0..<500 {
            let found = place(window, step: UInt64(step))
            #expect(found == place(window, step: UInt64(step), crops: .window))
            #expect(found.windows == window..<window + 1)
            #expect(found.start + 100 <= 250 && found.mainWindow == window)
        }
    }

    @Test func whatIsMeasuredLiesInTheMiddleOfItsWindow() {
        for window in 0..<10 {
            let found = place(window, step: 1, role: .validation)
            #expect(found.windows == window..<window + 1 && found.start == 75)
        }
    }

    /// By default a crop is drawn as it always was.
    @Test func cropsOfAWindowAreDrawnAsBefore() {
        for step in 0..<200 {
            var random = RandomStream(seed: 5, purpose: .crop, step: UInt64(step), position: 3)
            #expect(
                place(0, step: UInt64(step), crops: .window).start
                    == random.nextInteger(below: 151))
        }
    }

    private func withTape(_ body: (Tape) throws -> Void) rethrows {
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        tape.reset(recordsGradients: false)
        try body(tape)
    }

    /// Every window, and the place of the crop that is read of it.
    private func places(
        _ length: Int, windowSamples: Int = 250, step: UInt64
    ) -> (shard: Shard, places: [CropPlace]) {
        let shard = shard(Array(0..<10), step: step)
        return (
            shard,
            shard.windows.indices.map {
                shard.cropPlace(
                    ofSample: $0, length: length, windowSamples: windowSamples, crops: .record,
                    from: source)
            }
        )
    }

    /// A crop has the record's samples, whatever windows it lies in.
    @Test(arguments: [100, 250], [0, 1, 2] as [UInt64])
    func aCropIsThatPartOfTheRecord(length: Int, step: UInt64) throws {
        let (shard, places) = places(length, step: step)
        #expect(places.contains { $0.windows.count == 2 })
        let input = try input(crop: length)
        try withTape { tape in
            let leads = try IndependentLeadReader(input: input, gain: 1)
                .signals(of: shard, from: source, on: tape).reshaped(columns: length)
            let all = try ResampledReader(input: input, samples: length, rateHz: 250)
                .signals(of: shard, from: source, on: tape)
            for (index, place) in places.enumerated() {
                let (record, piece) = source.place(index)
                for lead in 0..<12 {
                    let expected = (0..<length).map {
                        LongRecords.value(record, lead, piece * 250 + place.start + $0)
                    }
                    #expect(Array(all.row(index * 12 + lead)) == expected)
                    guard let row = IndependentLeads.numbers.firstIndex(of: lead) else { continue }
                    #expect(Array(leads.row(index * 8 + row)) == expected)
                }
            }
        }
    }

    /// A crop is filtered and standardised as that part of a record would be that lies in one window.
    @Test(arguments: [false, true])
    func aCropOfTwoWindowsIsFilteredAsOfOne(filters: Bool) throws {
        let (shard, places) = places(100, step: 4)
        let input = try input(filters: filters)
        try withTape { tape in
            let found = try WindowReader(input: input).signals(of: shard, from: source, on: tape)
            for (index, place) in places.enumerated() where place.windows.count == 2 {
                let (record, piece) = source.place(index)
                // The same record, cut into windows of twice the length from the crop's first window on.
                let whole = JoinedPair(record: record, firstSample: piece * 250)
                let expected = try WindowReader(input: input).signal(
                    of: self.shard([0], step: 0, role: .validation), start: place.start,
                    from: whole, on: tape)
                for lead in 0..<12 {
                    #expect(
                        Array(found.row(index * 12 + lead)) == Array(expected.row(lead)))
                }
            }
        }
    }

    /// At another rate both windows are resampled together.
    @Test func aCropOfTwoWindowsIsResampledAsOfOne() throws {
        let (shard, places) = places(96, windowSamples: 240, step: 4)
        #expect(places.contains { $0.windows.count == 2 })
        let input = try input()
        let reader = ResampledReader(input: input, samples: 96, rateHz: 240)
        try withTape { tape in
            let found = try reader.signals(of: shard, from: source, on: tape)
            for (index, place) in places.enumerated() where place.windows.count == 2 {
                let (record, piece) = source.place(index)
                let expected = try ResampledReader(input: input, samples: 96, rateHz: 240).signal(
                    of: self.shard([0], step: 0, role: .validation),
                    start: Int((Double(place.start) / 0.96).rounded()),
                    from: JoinedPair(record: record, firstSample: piece * 250), on: tape)
                for lead in 0..<12 {
                    #expect(
                        Array(found.row(index * 12 + lead)) == Array(expected.row(lead)))
                }
            }
        }
        #expect(reader.mainWindows(of: shard, from: source) == places.map(\.mainWindow))
        #expect(reader.mainWindows(of: shard, from: source) != shard.windows)
    }
}

/// One window that is as long as two of `LongRecords`.
private struct JoinedPair: WindowSource {
    let record: Int
    let firstSample: Int
    var samplesPerWindow: Int { 500 }

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
        for i in 0..<signal.count {
            let (lead, t) = i.quotientAndRemainder(dividingBy: samplesPerWindow)
            signal[i] = LongRecords.value(record, lead, firstSample + t)
        }
    }

    func facts(of window: Int) -> WindowFacts {
        WindowFacts(record: "", patient: 0, superclasses: [])
    }
}
