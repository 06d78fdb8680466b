import Runtime
import Foundation
import TestSupport
import Testing

@testable import Electrocardiography

@Suite struct SnomedStatementsTests {
    private func classes(_ codes: String...) -> String {
        SnomedStatements.superclasses(
            of: codes.map { DiagnosticCode(code: $0, likelihood: nil) }
        ).names
    }

    @Test func codesOfOneSuperclassAndOfSeveral() {
        #expect(classes("59118001") == "CD")
        #expect(classes("164865005", "426177001") == "MI")
        #expect(classes("164873001", "164934002", "39732003") == "HYP+STTC")
        #expect(classes("713427006", "164889003", "428750005", "164867002") == "CD+MI+STTC")
    }

    @Test func normalIsSinusRhythmAlone() {
        #expect(classes("426783006") == "NORM")
        // Beside a finding it is a rhythm, not a verdict, and what decides nothing may still be a disease.
        #expect(classes("426783006", "59118001") == "CD")
        #expect(classes("426783006", "284470004") == "")
        #expect(classes("426783006", "999999999") == "")
    }

    @Test(arguments: ["164889003", "426177001", "39732003", "10370003", "164951009", "1", ""])
    func rhythmRateAxisAndUnknownCodesDecideNothing(code: String) {
        #expect(classes(code) == "")
    }

    @Test func everyCodeOnceAndEveryClassIsThere() {
        let codes = SnomedStatements.all.map(\.code)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isNumber) })
        let decided = Set(SnomedStatements.all.compactMap(\.superclass))
        #expect(decided == Set(Superclass.allCases))
    }

    @Test(.needsRecords) func theTableKnowsAllCodesOfTheSources() throws {
        let data = Fixtures.dataFolder
        for (file, column) in [
            ("/challenge-2021/labels/dx_mapping.csv", "snomed_code"),
            ("/ecg-arrhythmia/ConditionNames_SNOMED-CT.csv", "Snomed_CT"),
        ] where FileManager.default.fileExists(atPath: data + file) {
            let table = try LabelTable(reading: FilePath(data + file), required: [column])
            for row in table.rows {
                #expect(SnomedStatements.statement(ofCode: row[0]) != nil, "\(file): \(row[0])")
            }
        }
    }
}
