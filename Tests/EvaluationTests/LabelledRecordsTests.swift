import Electrocardiography
import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite struct LabelledRecordsTests {
    private func labelled(
        _ dataset: PreparedDataset, external: PreparedDataset? = nil, rule: LabelRule = LabelRule()
    ) throws -> LabelledRecords {
        try LabelledRecords(
            dataset, externalSet: external, folds: SyntheticRecords.folds(), rule: rule)
    }

    @Test func foldsArePartedAndPatientsStayWhole() throws {
        let records = try labelled(SyntheticRecords.records().dataset)
        #expect(records.training.allSatisfy { (1...8).contains($0.description.fold ?? 0) })
        #expect(records.validation.allSatisfy { $0.description.fold == 9 })
        #expect(records.test.allSatisfy { $0.description.fold == 10 })
        let all = records.training + records.validation + records.test
        #expect(all.allSatisfy { !$0.classes.isEmpty })
        let names = all.map(\.description.name)
        #expect(Set(names).count == names.count)
    }

    @Test func refusesAPatientInTwoParts() throws {
        let set = try SyntheticRecords.records().changed("patients") { lines in
            let names = lines[0].split(separator: ",").map(String.init)
            guard let patient = names.firstIndex(of: "patient_id") else { return lines }
            // Every record of the table becomes the same patient's.
            return [lines[0]]
                + lines.dropFirst().map { line in
                    var cells = line.split(separator: ",", omittingEmptySubsequences: false)
                        .map(String.init)
                    cells[patient] = "7"
                    return cells.joined(separator: ",")
                }
        }
        #expect {
            try labelled(set)
        } throws: {
            guard case .patientInTwoFolds(patient: "ptb-xl:7", _)? = $0 as? EvaluationError else {
                return false
            }
            return true
        }
    }

    @Test func theSameRecordsAreNoExternalTest() throws {
        let dataset = try SyntheticRecords.records().dataset
        #expect(
            throws: EvaluationError.noExternalRecords(
                dataset: dataset.path,
                leftOut: dataset.records().count { !$0.classes.isEmpty })
        ) {
            try labelled(dataset, external: dataset)
        }
    }

    @Test func likelihoodsDecideWhereTheRuleAsks() throws {
        let dataset = try SyntheticRecords.records().dataset
        let statement = try #require(
            dataset.records().first { !$0.classes.isEmpty }?.description.codes
                .first { dataset.superclass(ofCode: $0.code) != nil })
        func classes(_ likelihood: Float?, _ rule: LabelRule) -> Int {
            var record = dataset.records()[0].description
            record.codes = [statement]
            record.codes[0].likelihood = likelihood
            return rule.classes(of: record, in: dataset).count
        }
        let (half, known) = (
            LabelRule(minimumLikelihood: 50), LabelRule(minimumLikelihood: 50, dropsUnknown: true)
        )
        #expect(classes(50, half) == 1 && classes(35, half) == 0)
        #expect(classes(0, half) == 1 && classes(0, known) == 0)
        #expect(classes(nil, known) == 1)
        #expect(classes(15, LabelRule(dropsUnknown: true)) == 1)
    }
}
