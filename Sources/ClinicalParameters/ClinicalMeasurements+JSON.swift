import Electrocardiography
import Foundation
import Runtime

extension ClinicalMeasurements {
    /// All that was measured, as `purkinje parameters --json` prints it; `null` where it could not be.
    ///
    /// - Parameters:
    ///   - record: The record's name.
    ///   - perLead: Whether `beats` holds one list a lead.
    /// - Returns: One object.
    public func json(record: String, perLead: Bool = false) -> JSONValue {
        var object: [String: JSONValue] = [
            "record": .string(record), "rate_hz": .rounded(sampleRateHz, 6),
            "samples": .integer(Int64(sampleCount)), "quality": .rounded(quality, 3),
            "flags": .array(flags.map { .string($0.rawValue) }),
            "gaps": .array(
                gaps.map { [.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))] }),
        ]
        for (name, value) in numbers { object[name] = .rounded(value, 3) }
        var rows: [String: JSONValue] = [:]
        for lead in Lead.allCases { rows[lead.name] = leads[lead.rawValue].json }
        object["leads"] = .object(rows)
        if perLead {
            var lists: [String: JSONValue] = [:]
            for lead in Lead.allCases where beatsByLead.indices.contains(lead.rawValue) {
                lists[lead.name] = .array(beatsByLead[lead.rawValue].map(\.json))
            }
            object["beats"] = .object(lists)
        } else {
            object["beats"] = .array(beats.map(\.json))
        }
        return .object(object)
    }

    /// The flags for people: names with spaces, commas between.
    public var flagText: String {
        flags.map { $0.rawValue.split(separator: "_").joined(separator: " ") }
            .joined(separator: ", ")
    }

    /// The numbers of the record, with the names that files and tables use, in the order of tables.
    public var numbers: [(name: String, value: Double?)] {
        var turn: Double?
        if let qrsAxis, let tAxis { turn = abs(qrsAxis.turn(to: tAxis).degrees) }
        return [
            ("heart_rate_per_minute", rhythm.heartRatePerMinute),
            ("rr_mean_ms", rhythm.rrMeanMilliseconds), ("rr_sd_ms", rhythm.rrSDMilliseconds),
            ("rmssd_ms", rhythm.rmssdMilliseconds), ("rr_min_max_ratio", rhythm.rrMinMaxRatio),
            ("rr_irregular_share", rhythm.rrIrregularShare),
            ("beat_count", rhythm.beatCount.map(Double.init)),
            ("p_wave_share", rhythm.pWaveShare),
            ("p_duration_ms", intervals.pMilliseconds), ("pr_ms", intervals.prMilliseconds),
            ("qrs_ms", intervals.qrsMilliseconds), ("qt_ms", intervals.qtMilliseconds),
            ("qtc_bazett_ms", intervals.qtcBazettMilliseconds),
            ("qtc_fridericia_ms", intervals.qtcFridericiaMilliseconds),
            ("qtc_framingham_ms", intervals.qtcFraminghamMilliseconds),
            ("qtc_hodges_ms", intervals.qtcHodgesMilliseconds),
            ("t_peak_end_ms", intervals.tPeakEndMilliseconds), ("jt_ms", intervals.jtMilliseconds),
            ("p_axis_degrees", pAxis?.degrees), ("qrs_axis_degrees", qrsAxis?.degrees),
            ("t_axis_degrees", tAxis?.degrees), ("qrs_t_angle_degrees", turn),
            ("sokolow_lyon_mv", sokolowLyonMillivolts), ("cornell_mv", cornellMillivolts),
        ]
    }
}

extension ClinicalMeasurements.Axis {
    /// From -180 to 180: 0 towards lead I, 90 towards aVF.
    public var degrees: Double { atan2(sine, cosine) * 180 / .pi }
}

extension ClinicalMeasurements.LeadValues {
    /// The numbers with the names that files and tables use, in the order of tables.
    public var numbers: [(name: String, value: Double?)] {
        [
            ("p_mv", pMillivolts), ("q_mv", qMillivolts), ("r_mv", rMillivolts),
            ("s_mv", sMillivolts), ("t_mv", tMillivolts), ("st_j60_mv", stJ60Millivolts),
            ("st_slope_mv_per_s", stSlopeMillivoltsPerSecond),
            ("qrs_area_mv_ms", qrsAreaMillivoltMilliseconds), ("quality", quality),
        ]
    }

    var json: JSONValue {
        .object(
            Dictionary(uniqueKeysWithValues: numbers.map { ($0.name, .rounded($0.value, 4)) }))
    }
}

extension ClinicalMeasurements.Beat {
    var json: JSONValue {
        func sample(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        return [
            "r_sample": .integer(Int64(rSample)), "kind": .string(kind.rawValue),
            "p_onset_sample": sample(p?.onset), "p_peak_sample": sample(p?.peak),
            "p_offset_sample": sample(p?.offset), "qrs_onset_sample": sample(qrs?.onset),
            "qrs_offset_sample": sample(qrs?.offset), "t_onset_sample": sample(t?.onset),
            "t_peak_sample": sample(t?.peak), "t_offset_sample": sample(t?.offset),
        ]
    }
}

extension JSONValue {
    /// A number cut to some decimals, or `null`.
    static func rounded(_ value: Double?, _ decimals: Int) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        var factor = 1.0
        for _ in 0..<decimals { factor *= 10 }
        return .number((value * factor).rounded() / factor)
    }
}
