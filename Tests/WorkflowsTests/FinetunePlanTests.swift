import Configurations
import Electrocardiography
import Evaluation
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// What is trained where an encoder is fine-tuned for its evaluation.
@Suite struct FinetunePlanTests {
    private func plan(
        records: Int = 320, rule: LabelRule = LabelRule(), settings: FinetuneSettings = .init()
    ) throws -> FinetunePlan {
        FinetunePlan(
            settings: settings, encoder: try smallConfiguration(),
            weights: "initialWeights=\"\(SHA256.digest(of: [1]))\"",
            assessment: AssessmentSettings(protocols: [.finetune], rule: rule, seed: 9),
            trainingRecordCount: records)
    }

    @Test func tenEpochsAreTheRule() throws {
        let configuration = try plan().configuration(fraction: 1, isControl: false)
        #expect(configuration.method.name == "finetune")
        #expect(configuration.steps == 100 && configuration.batchSize == 32)
        #expect(configuration.validation.everySteps == 10)
        #expect(configuration.checkpoint.everySteps == 10)
        // Few records need fewer steps, but no less than a quarter.
        let few = try plan().configuration(fraction: 0.5, isControl: false)
        #expect(few.steps == 50)
        let fewest = try plan().configuration(fraction: 0.01, isControl: false)
        #expect(fewest.steps == 25)
        #expect(try plan(records: 1).configuration(fraction: 1, isControl: false).steps == 1)
    }

    @Test func theControlBeginsWithDrawnWeights() throws {
        let tuned = try plan().configuration(fraction: 1, isControl: false)
        let control = try plan().configuration(fraction: 1, isControl: true)
        #expect(tuned.initialWeights != nil && control.initialWeights == nil)
        let differences = tuned.differences(from: control).map(\.description)
        #expect(differences.contains { $0.contains("layerDecay") }, "\(differences)")
    }

    @Test func labelsAreThoseOfTheEvaluation() throws {
        let configuration = try plan(
            rule: LabelRule(minimumLikelihood: 80, dropsUnknown: true)
        ).configuration(fraction: 0.1, isControl: false)
        let resolved = configuration.resolved["labels"]
        #expect(resolved?["fraction"]?.doubleValue == 0.1)
        #expect(resolved?["seed"]?.integerValue == 9)
        #expect(resolved?["minimumLikelihood"]?.doubleValue == 80)
        #expect(resolved?["dropUnknown"]?.booleanValue == true)
    }

    @Test func whatTheUserSaysComesFirst() throws {
        let folder = try TemporaryFolder()
        var settings = FinetuneSettings()
        settings.overrides = ["steps=7", "optimizer.learningRate=0.5"]
        let overridden = try plan(settings: settings).configuration(fraction: 1, isControl: false)
        #expect(overridden.steps == 7 && overridden.optimizer.learningRate == 0.5)
        settings.configuration = try folder.write(
            overridden.resolved.text(), to: "finetune.json")
        settings.overrides = ["steps=8"]
        let own = try plan(settings: settings).configuration(fraction: 1, isControl: false)
        #expect(own.steps == 8 && own.optimizer.learningRate == 0.5)
        settings.configuration = folder.file("missing.json")
        #expect(throws: ConfigurationError.self) {
            try plan(settings: settings).configuration(fraction: 1, isControl: false)
        }
    }

    @Test func runsHaveNamesOfTheirOwn() {
        let names = [1, 0.1, 0.01].flatMap { fraction in
            [true, false].map { FinetunePlan.name(fraction: fraction, isControl: $0) }
        }
        #expect(Set(names).count == 6)
        #expect(names.contains("pretrained") && names.contains("scratch-labels-0.1"))
    }
}
