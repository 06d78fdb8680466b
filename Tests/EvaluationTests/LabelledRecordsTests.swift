import Runtime
import Electrocardiography
import Foundation
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

    /// Records of another hospital: WFDB headers with SNOMED CT codes, and none of PTB-XL's tables.
    private func otherHospital(
        _ name: String, seed: UInt64, rename: [String: String] = [:]
    ) throws -> PreparedDataset {
        let folder = "\(try SyntheticRecords.records().folder)/\(name)"
        _ = try SyntheticDataset(recordCount: 12, seed: seed).write(
            to: FilePath(folder + "/table"), threads: 2)
        let files = FileManager.default
        try files.createDirectory(
            atPath: folder + "/plain", withIntermediateDirectories: true)
        let records = folder + "/table/records500/00000/"
        for file in try files.contentsOfDirectory(atPath: records) where file.hasSuffix(".hea") {
            let old = String(file.dropLast(4))
            let new = rename[old] ?? old
            let header = try String(contentsOfFile: records + file, encoding: .utf8)
                .replacingOccurrences(of: old, with: new)
            // Half of them normal, half with a right bundle branch block.
            let code = old.utf8.reduce(0) { $0 + Int($1) } % 2 == 0 ? "426783006" : "59118001"
            try (header + "\n# Dx: \(code)\n").write(
                toFile: "\(folder)/plain/\(new).hea", atomically: true, encoding: .utf8)
            try files.copyItem(
                atPath: records + old + ".dat", toPath: "\(folder)/plain/\(new).dat")
        }
        return try SyntheticRecords.prepare(
            folder + "/plain", to: folder + "/set.purkinje", features: nil)
    }

    @Test func anotherHospitalsRecordsAreTestedByTheirSnomedCodes() throws {
        let other = try otherHospital("other", seed: 77)
        for rule in [LabelRule(), LabelRule(minimumLikelihood: 100, dropsUnknown: true)] {
            let records = try labelled(
                SyntheticRecords.records().dataset, external: other, rule: rule)
            #expect(records.external.count == 12 && records.externalLeftOut == 0)
            #expect(Set(records.external.map(\.classes)) == [[0], [3]])
        }
    }

    @Test func challengeNamesOfPTBXLRecordsNeitherProbeNorTest() throws {
        // Without PTB-XL's table nobody can tell their fold: they are not even prepared.
        let without = try otherHospital(
            "namesakes", seed: 78, rename: ["00003_hr": "HR06004", "00005_hr": "HR09589"])
        #expect(without.recordCount == 10)
        // With the table beside them they stay in a set, with patient and fold, and no label to probe or test.
        let folder = "\(try SyntheticRecords.records().folder)/namesakes"
        for number in [4, 6] {
            for ending in ["hea", "dat"] {
                try FileManager.default.removeItem(
                    atPath: "\(folder)/table/records500/00000/0000\(number)_hr.\(ending)")
                try FileManager.default.moveItem(
                    atPath: "\(folder)/plain/0000\(number)_hr.\(ending)",
                    toPath: "\(folder)/plain/HR0000\(number).\(ending)")
            }
            let path = "\(folder)/plain/HR0000\(number).hea"
            try String(contentsOfFile: path, encoding: .utf8)
                .replacingOccurrences(of: "0000\(number)_hr", with: "HR0000\(number)")
                .write(toFile: path, atomically: true, encoding: .utf8)
        }
        let with = try SyntheticRecords.prepare(
            folder, to: folder + "/with.purkinje", features: nil)
        let namesakes = with.records().filter {
            RecordDescription.ptbxlNumber(ofChallengeRecord: $0.description.name) != nil
        }
        let kept = namesakes.filter { $0.description.fold != nil && $0.classes.isEmpty }
        #expect(!kept.isEmpty && kept.count == namesakes.count)
        let ownParts = try labelled(with)
        for part in [ownParts.training, ownParts.validation, ownParts.test] {
            #expect(
                !part.contains {
                    RecordDescription.ptbxlNumber(ofChallengeRecord: $0.description.name) != nil
                })
        }
    }

    @Test func copiesUnderOtherNamesAreNoExternalTest() throws {
        // The same seed makes the same signals; names, sources and patients differ.
        let first = try SyntheticRecords.records().dataset
        let copies = try otherHospital("copies", seed: 4)
        #expect(copies.windows(sharedWith: first) { _ in true }.count == copies.windowCount)
        #expect(
            throws: EvaluationError.noExternalRecords(dataset: copies.path, leftOut: 12)
        ) { try labelled(first, external: copies) }
    }

    @Test func whatPretrainingMayHaveSeenIsTestedAndCounted() throws {
        let folder = try SyntheticRecords.records().folder
        let other = try otherHospital("seen", seed: 80)
        // The labelled records, and those of the other hospital without a fold.
        let both = folder + "/both"
        let files = FileManager.default
        _ = try SyntheticDataset(recordCount: 60, seed: 4).write(
            to: FilePath(both + "/a"), threads: 2)
        try files.copyItem(atPath: folder + "/seen/plain", toPath: both + "/b")
        let records = try labelled(
            SyntheticRecords.prepare(both, to: folder + "/both.purkinje", features: nil),
            external: other)
        #expect(records.external.count == 12 && records.externalLeftOut == 0)
        #expect(records.externalSeen == 12)
        #expect(records.training.allSatisfy { $0.description.fold != nil })
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
            return rule.superclasses(of: record, in: dataset).members.count
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
