import ClinicalParameters
import Foundation
import Runtime
import TestSupport
import Testing

@Suite struct OutputTests {
    private let measurements = ClinicalAnalyser().measure(KnownHeart().leads(), sampleRateHz: 500)

    @Test func jsonHasTheKeysOfTheContract() throws {
        let json = measurements.json(record: "r1")
        for key in [
            "record", "rate_hz", "quality", "heart_rate_per_minute", "rr_mean_ms", "rr_sd_ms",
            "rmssd_ms", "p_duration_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms",
            "qtc_fridericia_ms", "p_axis_degrees", "qrs_axis_degrees", "t_axis_degrees", "leads",
            "beats",
        ] { #expect(json[key] != nil, "\(key)") }
        let lead = try #require(json["leads"]?["V2"])
        for key in ["p_mv", "q_mv", "r_mv", "s_mv", "t_mv", "st_j60_mv", "quality"] {
            #expect(lead[key] != nil, "\(key)")
        }
        let beat = try #require(json["beats"]?.arrayValue?.dropFirst().first)
        #expect(beat["kind"]?.stringValue == "dominant")
        let places = [
            "p_onset_sample", "p_peak_sample", "p_offset_sample", "qrs_onset_sample", "r_sample",
            "qrs_offset_sample", "t_onset_sample", "t_peak_sample", "t_offset_sample",
        ].compactMap { beat[$0]?.integerValue }
        #expect(places.count == 9 && places == places.sorted())
    }

    @Test func perLeadHasOneListALead() throws {
        let beats = try #require(
            measurements.json(record: "r1", perLead: true)["beats"]?.objectValue)
        #expect(beats.count == 12)
        #expect(beats["aVL"]?.arrayValue?.count == measurements.beats.count)
    }

    @Test func whatWasNotMeasuredIsNullAndAnEmptyCell() {
        let none = ClinicalAnalyser().measure(
            .init(repeating: .init(repeating: 0, count: 5000), count: 12), sampleRateHz: 500)
        #expect(none.json(record: "flat")["qt_ms"] == .null)
        let row = ParameterTable.row(none, record: "a,b", path: "p")
        let heads = ParameterTable.header.split(separator: ",")
        #expect(row.hasPrefix("\"a,b\",p,500.0,5000,0.0,,"))
        let cells = row.dropFirst(5).split(separator: ",", omittingEmptySubsequences: false)
        #expect(cells.count == heads.count)
        #expect(BeatPicture(none, title: "<flat>").svg.contains("no beat was found"))
        #expect(BeatPicture(none, title: "<flat>").svg.contains("&lt;flat&gt;"))
    }

    @Test func thePictureIsXMLWithAllLeads() throws {
        let svg = BeatPicture(measurements, title: "r1").svg
        for lead in ["I", "aVF", "V6"] { #expect(svg.contains(">\(lead)</text>")) }
        #expect(svg.contains("QTcF") && !svg.contains("nan") && !svg.contains("not usable"))
    }

    /// A tall lead halves the scale of all, which the foot says; nothing is cut.
    @Test(arguments: [
        (Float(1), "10 mm/mV · lines"), (2, " · 5 mm/mV (usual: 10)"), (40, "(usual: 10)"),
    ])
    func thePictureShowsCurvesWhole(factor: Float, foot: String) throws {
        var tall = measurements
        var beat = try #require(tall.typicalBeat)
        let peak = beat.millivolts.joined().map(abs).max() ?? 1
        // The tallest deflection is 1.5 mV times the factor.
        beat.millivolts = beat.millivolts.map { $0.map { $0 / peak * 1.5 * factor } }
        tall.typicalBeat = beat
        let svg = BeatPicture(tall, title: "r1").svg
        #expect(svg.contains(foot))
        // Each lead's levels: as many different ones as in the curve of a record that fits.
        let curves = svg.split(separator: "\n").filter { $0.contains("stroke=\"#101010\"") }
        #expect(curves.count == 12)
        for (number, curve) in curves.enumerated() {
            let path = curve.split(separator: "\"")[1]
            let levels = path.split(whereSeparator: { "ML".contains($0) }).compactMap {
                $0.split(separator: " ").last.flatMap { Double($0) }
            }
            let baseline = 18 + (Double(number % 3) + 0.55) * 40
            let farthest = levels.map { abs($0 - baseline) }.max() ?? 0
            #expect(levels.count > 500 && farthest <= 20, "lead \(number): \(farthest)")
            // Where a curve is cut, many samples in a row lie at the edge.
            #expect(levels.filter { abs(abs($0 - baseline) - 20) < 0.01 }.count <= 2)
        }
    }

    @Test func thePictureNamesItsFlagsAndKeepsSpacesApart() {
        var flagged = measurements
        flagged.flags = [.paced, .noisy, .ectopicBeats]
        let svg = BeatPicture(flagged, title: String(repeating: "long", count: 60)).svg
        #expect(svg.contains("flags: paced, noisy, ectopic beats</text>"))
        #expect(!BeatPicture(measurements, title: "r1").svg.contains("flags"))
        // Viewers draw several spaces as one.
        #expect(!svg.contains("  ") && svg.contains("/min · P "))
        #expect(svg.contains("font-size=\"1.94\""))
    }

    /// The documentation names every key that is written, in code's letters.
    @Test func everyKeyAndFlagIsDocumented() throws {
        let path = FilePath(Fixtures.packageFolder).appending("docs/clinical-parameters.md")
        let text = String(decoding: try path.contents(), as: UTF8.self)
        let start = try #require(text.range(of: "## The keys of `--json`"))
        let end = try #require(text.range(of: "\n## ", range: start.upperBound..<text.endIndex))
        let section = text[start.upperBound..<end.lowerBound]
        for perLead in [false, true] {
            let json = measurements.json(record: "r1", perLead: perLead)
            var keys = try #require(json.objectValue).map(\.key) + ["path"]
            keys += try #require(json["leads"]?["V2"]?.objectValue).map(\.key)
            let beats = perLead ? json["beats"]?["V2"] : json["beats"]
            keys += try #require(beats?.arrayValue?.first?.objectValue).map(\.key)
            #expect(keys.count > 50)
            for key in keys.sorted() { #expect(section.contains("`\(key)`"), "\(key)") }
        }
    }
}
