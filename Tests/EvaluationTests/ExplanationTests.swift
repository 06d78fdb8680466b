import Configurations
import Electrocardiography
import Kernels
import LinearAlgebra
import Pretraining
import Runtime
import Testing

@testable import Evaluation

/// Windows of noise, every second of which has a wave in lead V2 between 3 and 4 s, and nowhere else.
private struct PlantedWindows: WindowSource {
    static let lead = Lead.v2.rawValue
    static let seconds = 3..<4
    let samplesPerWindow = 2500

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
        var random = RandomStream(seed: 11, purpose: .test, step: UInt64(window))
        for i in signal.indices { signal[i] = 0.2 * Float(random.nextNormal()) }
        guard window % 2 == 1 else { return }
        for second in Self.seconds {
            for i in 0..<250 {
                let phase = Float(i % 75) / 75
                signal[Self.lead * samplesPerWindow + second * 250 + i] += phase < 0.5 ? 2 : -2
            }
        }
    }

    func facts(of window: Int) -> WindowFacts {
        WindowFacts(record: "\(window)", patient: window, superclasses: [])
    }
}

@Suite struct ExplanationTests {
    private func randomEncoder(_ method: String) throws -> (TrainedEncoder, LabelledRecords) {
        let dataset = try SyntheticRecords.records().dataset
        let records = try LabelledRecords(
            dataset, externalSet: nil, folds: SyntheticRecords.folds(), rule: LabelRule())
        let encoder = try TrainedEncoder(
            withRandomWeightsOf: SyntheticRecords.configuration(method), dataset: dataset,
            trainingRecords: records.training)
        return (encoder, records)
    }

    @Test(arguments: ["ecg-jepa", "st-mem", "vq-full"])
    func occlusionFindsAPlantedCause(method: String) throws {
        let (encoder, _) = try randomEncoder(method)
        let source = PlantedWindows()
        func embed(_ source: any WindowSource, _ count: Int) throws -> Matrix {
            try encoder.embed(
                (0..<count).map { [$0] }, of: source,
                EmbeddingSettings(readout: .leads, centreCropOnly: true, threads: 2),
                progress: { _ in })
        }
        let features = try embed(source, 240)
        let scale = Standardisation(fittedTo: features)
        let probe = try LogisticSolver(
            scale(features), truths: (0..<240).map { $0 % 2 == 1 ? [0] : [] }, classes: 1,
            kind: .multiLabel
        ).fit(penalty: 0.1)
        let map = try OcclusionMap(
            ofWindow: 241, of: source, sampleRateHz: 250, label: nil, patchSeconds: 1, embed: embed,
            probabilities: { probe.probabilities(scale($0)) })
        #expect(map.label == 0 && map.probability > 0.6)
        #expect(map.changes.count == 12 && map.changes.allSatisfy { $0.count == 10 })
        let planted = map.changes[PlantedWindows.lead][PlantedWindows.seconds.lowerBound]
        #expect(planted < -0.3, "\(planted)")
        for (lead, row) in map.changes.enumerated() {
            for (second, change) in row.enumerated()
            where lead != PlantedWindows.lead || !PlantedWindows.seconds.contains(second) {
                #expect(abs(change) < -planted / 2, "lead \(lead), second \(second): \(change)")
            }
        }
    }

    @Test func aHiddenPartIsAStraightLineAndNothingElseChanges() throws {
        let source = PlantedWindows()
        let hidden = try OccludedWindow(3, of: source, patchSamples: 1000)
        // The last part of a lead is shorter.
        #expect(hidden.parts.count == 36 && hidden.parts[2].samples == 2000..<2500)
        func read(_ source: any WindowSource, _ window: Int) throws -> [Float] {
            var signal = Array(repeating: Float(0), count: 12 * 2500)
            var span = signal.mutableSpan
            try source.readMillivolts(window: window, into: &span)
            return signal
        }
        let whole = try read(source, 3)
        #expect(try read(hidden, 0) == whole)
        for window in [1, 5, 6] {
            let (lead, range) = hidden.parts[window - 1]
            let found = try read(hidden, window)
            let row = lead * 2500
            for i in found.indices where !range.contains(i - row) { #expect(found[i] == whole[i]) }
            let before = range.lowerBound == 0 ? nil : whole[row + range.lowerBound - 1]
            let after = range.upperBound == 2500 ? nil : whole[row + range.upperBound]
            let (from, to) = (before ?? after ?? 0, after ?? before ?? 0)
            for (step, i) in range.enumerated() {
                let line = from + (to - from) * Float(step + 1) / Float(range.count + 1)
                #expect(abs(found[row + i] - line) < 1e-5)
            }
        }
    }

    @Test(arguments: [("st-mem", 12), ("ecg-jepa", 8), ("hybrid", 8), ("vq-full", 12)])
    func attentionIsSharedOutWhole(method: String, leads: Int) throws {
        let (encoder, records) = try randomEncoder(method)
        let dataset = try SyntheticRecords.records().dataset
        let map = try encoder.attention(toWindow: records.test[0].windows[0], of: dataset)
        let seen = map.weights.compactMap(\.self)
        #expect(seen.count == leads)
        #expect(seen.joined().allSatisfy { $0 >= 0 })
        let mean = seen.joined().reduce(0, +) / Double(seen.joined().count)
        #expect(abs(mean - 1) < 1e-5)
        // Separators and clinical tokens get a share; ECG-JEPA has patches alone.
        if method == "ecg-jepa" {
            #expect(abs(map.outsideShare) < 1e-5)
        } else {
            #expect(map.outsideShare > 0.001 && map.outsideShare < 0.6)
        }
        let end = map.startSeconds + Double(seen[0].count) * map.patchSeconds
        #expect(map.startSeconds >= 0 && end <= 10)
    }

    @Test func aMethodWithoutAttentionRefusesByName() throws {
        let (encoder, records) = try randomEncoder("cpc")
        #expect(throws: EvaluationError.noAttention(method: "cpc")) {
            try encoder.attention(
                toWindow: records.test[0].windows[0], of: SyntheticRecords.records().dataset)
        }
    }

    @Test func picturesSayWhatTheyShow() throws {
        let (encoder, records) = try randomEncoder("st-mem")
        let dataset = try SyntheticRecords.records().dataset
        let record = records.test[0]
        let map = try OcclusionMap(
            ofWindow: record.windows[0], of: dataset, sampleRateHz: 250, label: 2,
            patchSeconds: 2.5,
            embed: { source, count in
                try encoder.embed(
                    (0..<count).map { [$0] }, of: source,
                    EmbeddingSettings(readout: .mean, centreCropOnly: true, threads: 2),
                    progress: { _ in })
            },
            probabilities: { features in
                // A made-up probe: the first five numbers of a vector.
                Matrix(
                    rows: features.rows, columns: 5,
                    values: (0..<features.rows).flatMap { features.row($0).prefix(5).map { $0 } })
            })
        let plain = try map.svg(
            over: record.windows[0], of: dataset, record: record, showsNumbers: false)
        #expect(plain.contains("speaks for it") && plain.contains("against MI"))
        #expect(plain.contains(record.description.name) && plain.contains("url(#hatch)"))
        let numbers = try map.svg(
            over: record.windows[0], of: dataset, record: record, showsNumbers: true)
        #expect(
            numbers.components(separatedBy: "text-anchor").count
                > plain.components(separatedBy: "text-anchor").count)
        #expect(map.json["changes"]?["V2"]?.arrayValue?.count == 4)
    }
}

@Suite struct NeighbourSearchTests {
    /// Vectors of two numbers that the records' names give.
    private func vectors(_ records: [EvaluatedRecord]) -> Matrix {
        Matrix(
            rows: records.count, columns: 2,
            values: records.flatMap { record in
                let number = Double(record.description.name) ?? 0
                return [number * number, number.truncatingRemainder(dividingBy: 7)]
            })
    }

    private func records() throws -> LabelledRecords {
        try LabelledRecords(
            SyntheticRecords.records().dataset, externalSet: nil, folds: SyntheticRecords.folds(),
            rule: LabelRule())
    }

    @Test func theNearestOfTheOthersInOrder() throws {
        let records = try records()
        let query = records.test[3]
        let search = try NeighbourSearch(
            of: query, among: records.training, count: 4, distance: .euclidean,
            includesPatient: false, embed: vectors)
        let own = vectors([query]).row(0)
        let expected = records.training.map { record in
            let other = vectors([record]).row(0)
            return zip(own, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }.sorted().prefix(4)
        #expect(search.neighbours.map(\.distance) == Array(expected))
        #expect(search.neighbours.allSatisfy { (1...8).contains($0.record.description.fold ?? 0) })
        let shared = search.neighbours.count {
            !Set($0.record.classes).isDisjoint(with: query.classes)
        }
        #expect(search.agreeing == shared)
    }

    @Test func neitherTheRecordNorItsPatientIsItsNeighbour() throws {
        let training = try records().training
        let query = training[5]
        // Another record becomes one of the same patient, and the nearest.
        var twin = training[6].description
        twin.patient = query.description.patient
        twin.name = query.description.name + "0"
        let same = EvaluatedRecord(
            description: twin, windows: training[6].windows, classes: training[6].classes)
        func names(_ includesPatient: Bool) throws -> [String] {
            try NeighbourSearch(
                of: query, among: training + [same], count: 5, distance: .cosine,
                includesPatient: includesPatient,
                embed: { records in
                    Matrix(
                        rows: records.count, columns: 1, values: records.map { _ in 1 })
                }
            ).neighbours.map(\.record.description.name)
        }
        // All are equally near, so those come first that stand first in the set.
        let others = training.map(\.description)
            .filter { $0.patient != query.description.patient }.map(\.name)
        #expect(try names(false) == Array(others.prefix(5)))
        let all = try NeighbourSearch(
            of: query, among: [query, same], count: 1, distance: .euclidean, includesPatient: true,
            embed: vectors)
        #expect(all.neighbours[0].record.description.name == twin.name)
        #expect(throws: EvaluationError.tooFewCandidates(wanted: 1, records: 0)) {
            try NeighbourSearch(
                of: query, among: [query, same], count: 1, distance: .euclidean,
                includesPatient: false, embed: vectors)
        }
    }

    @Test func aMistypedRecordIsNamedWithTheNearest() throws {
        let dataset = try SyntheticRecords.records().dataset
        #expect(throws: EvaluationError.noRecord(name: "2x", dataset: dataset.path, nearest: "2")) {
            try dataset.record(named: "2x", rule: LabelRule())
        }
    }
}
