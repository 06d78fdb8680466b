import Runtime
import Foundation
import TestSupport
import Testing

@testable import Electrocardiography

@Suite struct SyntheticDatasetTests {
    @Test func theSameSeedGivesTheSameBytesWhateverTheThreads() throws {
        let folder = try TemporaryFolder()
        for (name, threads, count) in [("a", 1, 9), ("b", 3, 9), ("c", 2, 5)] {
            #expect(
                try SyntheticDataset(recordCount: count, seed: 11).write(
                    to: "\(folder.path)/\(name)", threads: threads))
        }
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.file("a").text)
            .sorted()
        #expect(
            files
                == (try FileManager.default.subpathsOfDirectory(atPath: folder.file("b").text))
                .sorted())
        for file in files where file.contains("_hr") || file.hasSuffix(".csv") {
            let (a, b) = ("\(folder.path)/a/\(file)", "\(folder.path)/b/\(file)")
            #expect(FileManager.default.contentsEqual(atPath: a, andPath: b), "\(file)")
            let c = "\(folder.path)/c/\(file)"
            if file.contains("_hr"), FileManager.default.fileExists(atPath: c) {
                #expect(FileManager.default.contentsEqual(atPath: a, andPath: c), "\(file)")
            }
        }
        #expect(throws: SourceError.self) {
            try SyntheticDataset(recordCount: 1, seed: 1).write(
                to: folder.file("a"), threads: 1)
        }
        #expect(
            try !SyntheticDataset(recordCount: 3, seed: 1).write(
                to: folder.file("d"), threads: 1, shouldStop: { true }))
        #expect(!FileManager.default.fileExists(atPath: folder.file("d").text))
    }

    @Test func everyConditionLeavesItsMark() {
        // The mean R amplitude of V1 to V6 and the depth of Q tell the coarse diagnoses apart.
        var classes: Set<Superclass> = []
        for number in 1...60 {
            let record = SyntheticRecord(number: number, seed: 2)
            let leads = record.leads()
            #expect(leads.count == 12)
            for t in stride(from: 0, to: 5000, by: 37) {
                let (i, ii, iii) = (Int(leads[0][t]), Int(leads[1][t]), Int(leads[2][t]))
                #expect(abs(ii - i - iii) <= 1)
                #expect(abs(2 * Int(leads[3][t]) + i + ii) <= 2)
            }
            let largest = leads.map { $0.map { abs(Int($0)) }.max() ?? 0 }.max() ?? 0
            #expect(largest > 300 && largest < 8000, "record \(number): \(largest) microvolts")
            let row = record.tableRow
            for condition in SyntheticCondition.allCases
            where row.contains("'\(condition.rawValue)'") {
                classes.insert(condition.superclass)
            }
        }
        #expect(classes == Set(Superclass.allCases))
    }

    @Test func thePaperHasEveryLeadAndOnlyNumbers() {
        let traces = Lead.allCases.map { lead in
            ECGPaper.Trace(
                name: lead.name.lowercased(),
                millivolts: (0..<2500).map { $0 == 50 ? .nan : Float($0 % 250 == 0 ? 1 : 0) })
        }
        let svg = ECGPaper(title: ["<a & b>"], traces: traces, sampleRateHz: 250).svg
        for lead in Lead.allCases { #expect(svg.contains(">\(lead.name)</text>")) }
        #expect(svg.contains("&lt;a &amp; b&gt;") && !svg.contains("nan"))
        #expect(svg.components(separatedBy: "stroke-linejoin").count == 14)
        let one = ECGPaper(title: [], traces: [traces[3]], sampleRateHz: 250).svg
        #expect(one.components(separatedBy: "stroke-linejoin").count == 2)
    }
}
