import ClinicalParameters
import Electrocardiography
import EvaluationSchema

extension Subgroup {
    /// Codes for a pacemaker's rhythm: SCP-ECG's, then SNOMED CT's.
    public static let pacedCodes = ["PACE", "10370003", "251268003", "251266004"]
    /// Signals below this quality, the mean over leads, are poor: 8 % of PTB-XL's, which its annotators marked as noisy
    /// more than twice as often as the rest.
    public static let poorQualityBelow = 0.95
    /// Codes that decide a superclass and that a smaller share of records has are rare.
    public static let rareBelow = 0.01
}

/// Which of some records belong to which group.
public struct Subgroups: Sendable {
    /// Places of each group's records, in the order of groups.
    public let members: [(group: Subgroup, places: [Int])]
    /// How many records there are in all.
    public let recordCount: Int

    /// Groups records.
    ///
    /// - Parameters:
    ///   - records: Which ones.
    ///   - dataset: The set that they are of; the quality is measured on its windows.
    ///   - common: The records among which codes are counted to know which are rare.
    ///   - commonSet: The set that those are of.
    /// - Throws: When a window cannot be read.
    public init(
        of records: [EvaluatedRecord], in dataset: PreparedDataset,
        rareAmong common: [EvaluatedRecord], of commonSet: PreparedDataset
    ) throws {
        let frequent = Self.frequentCodes(common, in: commonSet)
        let quality = try Self.quality(of: records, in: dataset)
        recordCount = records.count
        members = Subgroup.allCases.map { group in
            let places = records.indices.filter { place in
                let record = records[place].description
                func isOfAge(_ range: Range<Float>) -> Bool {
                    record.ageYears.map(range.contains) ?? false
                }
                return switch group {
                case .paced: record.codes.contains { Subgroup.pacedCodes.contains($0.code) }
                case .poorQuality: quality[place] < Subgroup.poorQualityBelow
                case .rareCodes:
                    record.codes.contains {
                        dataset.decides($0.code) && !frequent.contains($0.code)
                    }
                case .ageBelow40: isOfAge(0..<40)
                case .age40To59: isOfAge(40..<60)
                case .age60To79: isOfAge(60..<80)
                case .age80AndAbove: isOfAge(80..<Float.infinity)
                case .female: record.sex == .female
                case .male: record.sex == .male
                }
            }
            return (group, places)
        }
    }

    /// Codes that decide a superclass and are not rare.
    private static func frequentCodes(
        _ records: [EvaluatedRecord], in dataset: PreparedDataset
    ) -> Set<String> {
        var counts: [String: Int] = [:]
        for record in records {
            for code in Set(record.description.codes.map(\.code)) where dataset.decides(code) {
                counts[code, default: 0] += 1
            }
        }
        let least = Subgroup.rareBelow * Double(records.count)
        return Set(counts.filter { Double($0.value) >= least }.keys)
    }

    /// Each record's quality: the worst of its windows, the mean over leads.
    private static func quality(
        of records: [EvaluatedRecord], in dataset: PreparedDataset
    ) throws -> [Double] {
        let analyser = ClinicalAnalyser()
        let (leads, samples) = (Lead.allCases.count, dataset.samplesPerWindow)
        var signal = Array(repeating: Float(0), count: leads * samples)
        return try records.map { record in
            var worst = 1.0
            for window in record.windows {
                var span = signal.mutableSpan
                try dataset.readMillivolts(window: window, into: &span)
                let parts = (0..<leads).map { Array(signal[$0 * samples..<($0 + 1) * samples]) }
                let measured = analyser.measure(parts, sampleRateHz: dataset.sampleRateHz)
                worst = min(worst, measured.quality)
            }
            return worst
        }
    }
}

extension PreparedDataset {
    /// Whether a code, of either coding, decides a superclass.
    func decides(_ code: String) -> Bool {
        superclass(ofCode: code) != nil
            || SnomedStatements.statement(ofCode: code)?.superclass != nil
    }
}
