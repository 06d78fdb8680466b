import EvaluationSchema
import Electrocardiography
import LinearAlgebra
import Runtime
import TestSupport
import Testing

@testable import Evaluation

@Suite struct SubgroupTests {
    private func records() throws -> (LabelledRecords, PreparedDataset) {
        let dataset = try SyntheticRecords.records().dataset
        let records = try LabelledRecords(
            dataset, externalSet: nil, folds: SyntheticRecords.folds(), rule: LabelRule())
        return (records, dataset)
    }

    private func scored(_ records: [EvaluatedRecord]) throws -> ScoredRecords {
        var random = SeededRandom(seed: 8)
        return try ScoredRecords(
            name: "records", classes: LabelledRecords.classNames,
            scores: Matrix(
                rows: records.count, columns: 5,
                values: records.flatMap { record in
                    (0..<5).map {
                        Double.random(in: 0...1, using: &random)
                            + (record.classes.contains($0) ? 0.3 : 0)
                    }
                }), truths: records.map(\.classes))
    }

    @Test func everyoneIsInTheGroupsThatAgeSexAndCodesSay() throws {
        let (records, dataset) = try records()
        var training = records.training
        var paced = training[0].description
        paced.codes.append(DiagnosticCode(code: "PACE", likelihood: 0))
        (paced.ageYears, paced.sex) = (80, .female)
        training[0] = EvaluatedRecord(
            description: paced, windows: training[0].windows, classes: training[0].classes)
        let subgroups = try Subgroups(
            of: training, in: dataset, rareAmong: training, of: dataset)
        let places = Dictionary(
            uniqueKeysWithValues: subgroups.members.map { ($0.group, $0.places) })
        #expect(places[.paced] == [0])
        #expect(places[.age80AndAbove]?.contains(0) == true)
        #expect(places[.age60To79]?.contains(0) == false && places[.female]?.contains(0) == true)
        #expect((places[.female]?.count ?? 0) + (places[.male]?.count ?? 0) == training.count)
        for (group, range) in [
            (Subgroup.ageBelow40, Float(0)..<40), (.age40To59, 40..<60), (.age60To79, 60..<80),
        ] {
            let expected = training.indices.filter {
                training[$0].description.ageYears.map(range.contains) ?? false
            }
            #expect(places[group] == expected)
        }
    }

    @Test func rareIsWhatFewTrainingRecordsHave() throws {
        let (records, dataset) = try records()
        var test = Array(records.test.prefix(4))
        let common = records.training.flatMap(\.description.codes).map(\.code)
        let known = try #require(
            dataset.records().lazy.flatMap(\.description.codes).map(\.code)
                .first { code in
                    common.count { $0 == code } > 20 && dataset.superclass(ofCode: code) != nil
                })
        for (place, code) in [(0, "3AVB"), (1, known), (2, "SR")] {
            var description = test[place].description
            description.codes = [DiagnosticCode(code: code, likelihood: 100)]
            test[place] = EvaluatedRecord(
                description: description, windows: test[place].windows,
                classes: test[place].classes)
        }
        let subgroups = try Subgroups(
            of: test, in: dataset, rareAmong: records.training, of: dataset)
        let rare = try #require(subgroups.members.first { $0.group == .rareCodes }).places
        // A rare diagnosis; a common one and a rhythm are not. 3AVB decides a class, as the table of statements says.
        #expect(dataset.superclass(ofCode: "3AVB") == nil || rare.contains(0))
        #expect(!rare.contains(1) && !rare.contains(2))
    }

    @Test func aGroupIsMeasuredOnItsOwnRecordsBesideAllOthers() throws {
        let (records, dataset) = try records()
        let training = records.training
        let scored = try scored(training)
        let subgroups = try Subgroups(
            of: training, in: dataset, rareAmong: training, of: dataset)
        let report = try SubgroupReport(of: scored, subgroups: subgroups, seed: 5)
        for reading in report.readings {
            let places = try #require(subgroups.members.first { $0.group == reading.group }).places
            #expect(reading.recordCount == places.count)
            var areas: [Double] = []
            for label in 0..<5 {
                let positives = places.filter { training[$0].classes.contains(label) }
                let negatives = places.filter { !training[$0].classes.contains(label) }
                #expect(reading.support[label] == positives.count)
                guard min(positives.count, negatives.count) >= 5 else {
                    #expect(reading.auroc[label] == nil)
                    continue
                }
                // By counting pairs.
                let scores = scored.ranked[label].scores
                let wins = positives.reduce(0.0) { sum, positive in
                    sum
                        + negatives.reduce(0.0) {
                            $0 + (scores[positive] > scores[$1] ? 1 : 0)
                        }
                }
                let expected = wins / Double(positives.count * negatives.count)
                let found = try #require(reading.auroc[label])
                #expect(abs(found.area - expected) < 1e-12)
                #expect(found.interval.lower <= expected && expected <= found.interval.upper)
                areas.append(expected)
            }
            guard let macro = reading.macro else {
                #expect(areas.isEmpty)
                continue
            }
            #expect(abs(macro.area - areas.reduce(0, +) / Double(areas.count)) < 1e-12)
            let interval = try #require(macro.interval)
            #expect(interval.lower < macro.area && macro.area < interval.upper)
        }
        #expect(report.readings.contains { $0.macro != nil })
    }

    @Test func smallGroupsAreSaidToBeSmall() throws {
        let (records, dataset) = try records()
        let few = Array(records.training.prefix(8))
        let report = try SubgroupReport(
            of: scored(few),
            subgroups: Subgroups(of: few, in: dataset, rareAmong: few, of: dataset), seed: 0)
        for reading in report.readings {
            #expect(reading.macro == nil && reading.others == nil)
            let json = report.summary.json[reading.group.rawValue]
            #expect(json?["too_small"] == true && json?["auroc_macro"] == .null)
            #expect(json?["auroc"]?["MI"] == .null)
            #expect(json?["records"] == .integer(Int64(reading.recordCount)))
        }
    }
}
