/// How much of each lead is the heart's common beat, and how much is something else.
struct LeadQuality {
    /// One number a lead, from 0 (not usable) to 1.
    let values: [Double]

    /// The part of a beat that is compared, in samples before and after R: 240 and 360 ms.
    private static let (before, after) = (120, 180)

    init(_ record: ConditionedRecord, _ ensemble: BeatEnsemble, _ typical: MedianBeat) {
        let places = ensemble.beats.filter { $0.kind == .dominant }.map(\.r)
            .filter { $0 >= Self.before && $0 + Self.after < record.count }
        values = record.faults.indices.map { lead in
            guard !record.broad[lead].isEmpty else { return 0 }
            let faults = record.faults[lead]
            var value = 1 - 2 * faults.invalidShare - 4 * faults.clippedShare
            let seen = places.filter { r in
                !record.gaps.byLead[lead].contains {
                    $0.lowerBound < r + Self.after && $0.upperBound > r - Self.before
                }
            }
            value *= Self.commonShare(record.broad[lead], typical.broad[lead], seen)
            return value < 0 ? 0 : value
        }
    }

    /// Signal over signal and noise, in power: the typical beat against what the beats differ from it.
    private static func commonShare(
        _ signal: [Float], _ typical: [Float], _ places: [Int]
    ) -> Double {
        let form = Array(typical[MedianBeat.before - before..<MedianBeat.before + after])
        let formMean = form.reduce(0, +) / Float(form.count)
        let power = form.reduce(0.0) { $0 + Double(($1 - formMean) * ($1 - formMean)) }
        guard !places.isEmpty, power > 0 else { return 0 }
        let noises = places.map { place -> Double in
            var (sum, squares) = (0.0, 0.0)
            for i in 0..<form.count {
                let rest = Double(signal[place - before + i] - form[i])
                sum += rest
                squares += rest * rest
            }
            return squares - sum * sum / Double(form.count)
        }
        let noise = OrderStatistics.median(noises) ?? 0
        return power / (power + noise)
    }
}
