import Configurations
import Foundation
import Runtime
import Testing

@Suite struct ConfigurationTests {
    private static let minimal: JSONValue = ["method": "st-mem"]
    private static let dataset = SHA256.digest(of: "data".utf8)

    private func message(_ object: JSONValue, _ overrides: String...) -> String? {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(object, name: "c.json", overrides: overrides)
        }
        return error?.description
    }

    @Test func aMethodIsEnough() throws {
        let configuration = try Configuration(Self.minimal)
        #expect(configuration.method == .stMEM)
        let model = try #require(configuration.details as? STMEMConfiguration)
        #expect(model.encoder.mlpWidth == 4 * model.encoder.width)
        #expect(model.encoder.headWidth == 64)
        #expect(configuration.input.patchesPerLead == 30)
        #expect(configuration.optimizer.weightDecay == 0.01)
        #expect(configuration.optimizer.beta2 == 0.95)
        #expect(configuration.optimizer.clipNorm == nil)
        #expect(configuration.exchange.marginBits == 3)
        #expect(configuration.data.validationFold == 9 && configuration.data.testFold == 10)
    }

    @Test func overridesWinAndEveryValueKnowsItsSource() throws {
        let configuration = try Configuration(
            ["method": "st-mem", "batchSize": 16, "optimizer": ["learningRate": 0.002]],
            name: "c.json",
            overrides: ["optimizer.learningRate=1e-3", "steps=10", "steps=20"])
        #expect(configuration.optimizer.learningRate == 1e-3)
        #expect(configuration.steps == 20)
        let sources = Dictionary(
            uniqueKeysWithValues: configuration.entries.map { ($0.key, $0.source) })
        #expect(sources["batchSize"] == .file("c.json"))
        #expect(sources["steps"] == .override)
        #expect(sources["optimizer.learningRate"] == .override)
        #expect(sources["seed"] == .byDefault)
    }

    @Test func resolvedReadsBackToTheSame() throws {
        let configuration = try Configuration(
            Self.minimal,
            overrides: ["optimizer.learningRate=0.1", "steps=77", "optimizer.clipNorm=1"])
        let text = configuration.resolved.text(pretty: true)
        let again = try Configuration(JSONValue(parsing: text.utf8))
        #expect(again.differences(from: configuration, decidingBitsOnly: false).isEmpty)
        #expect(again.digest(dataset: Self.dataset) == configuration.digest(dataset: Self.dataset))
        #expect(again.resolved.text(pretty: true) == text)
    }

    @Test func notesOfARunAreNotPartOfIt() throws {
        let plain = try Configuration(Self.minimal)
        let noted = try Configuration(["method": "st-mem", "run": ["version": "1"]])
        #expect(noted.resolved == plain.resolved)
    }

    @Test func unknownKeysNameTheNearest() {
        #expect(
            message(["method": "st-mem", "batchsize": 3])
                == "unknown key 'batchsize' (from c.json); the nearest known key is 'batchSize'")
        #expect(
            message(["method": "st-mem", "optimizer": ["learningrate": 3]])
                == "unknown key 'optimizer.learningrate' (from c.json); "
                + "the nearest known key is 'optimizer.learningRate'")
        #expect(
            message(Self.minimal, "learningRate=1")
                == "unknown key 'learningRate' (from --set); "
                + "the nearest known key is 'optimizer.learningRate'")
        let strange = message(["method": "st-mem", "zzzzzzzzzz": 3])
        #expect(strange?.contains("nearest") == false)
        #expect(strange?.contains("--print-config") == true)
    }

    @Test func keysOfOtherMethodsAreSaidToBeTheirs() {
        let depth = message(["method": "cpc"], "decoder.depth=2")
        #expect(
            depth?.hasPrefix(
                "unknown key 'decoder.depth' (from --set): the method cpc has no such key; it is of st-mem, "
            )
                == true, "\(depth ?? "")")
        #expect(
            message(["method": "st-mem", "labels": ["seed": 3]])?.contains("is of finetune: ")
                == true)
        #expect(
            message(["method": "simclr"], "cnn.width=3")
                == "unknown key 'cnn.width' (from --set): the method simclr has it with other "
                + "settings than the ones given; leave it out (--set cnn.width=null takes it away), "
                + "or change those")
    }

    @Test func bothBoundsOfWholeNumbersAreSaid() {
        #expect(
            message(Self.minimal, "steps=1e23")
                == "steps is 1e+23 (from --set): choose 1 to 1000000000")
        #expect(
            message(Self.minimal, "seed=1e23")
                == "seed is 1e+23 (from --set): choose 0 to \(Int.max)")
        #expect(message(Self.minimal, "seed=-1e23")?.contains("choose 0 to") == true)
        #expect(
            message(["method": "st-mem", "optimizer": ["warmupSteps": 30]], "steps=2")
                == "optimizer.warmupSteps is 30 (from c.json): choose 0 to 2, which is steps "
                + "(from --set), or a higher steps")
    }

    @Test func wrongTypesAndRangesNameKeyAndValue() {
        #expect(
            message(["method": "st-mem", "steps": "many"])
                == "steps is \"many\" (from c.json), but has to be a whole number")
        #expect(
            message(["method": "st-mem", "steps": 0])
                == "steps is 0 (from c.json): choose 1 to 1000000000")
        #expect(
            message(["method": "st-mem", "input": ["leads": 8]])
                == "input.leads is 8 (from c.json): only 12 is possible")
        #expect(
            message(["method": "st-mem", "checkpoint": ["keep": 0]])
                == "checkpoint.keep is 0 (from c.json): choose 1 or more")
        #expect(
            message(["method": "st-mem", "steps": 1.5])
                == "steps is 1.5 (from c.json), but has to be a whole number")
        #expect(
            message(Self.minimal, "optimizer.learningRate=0")
                == "optimizer.learningRate is 0 (from --set): choose above 0.0 to 100.0")
        #expect(
            message(Self.minimal, "encoder=3")?.hasPrefix(
                "encoder is 3 (from --set), but has to be an object with encoder.width") == true)
        #expect(
            message(Self.minimal, "steps.x=3")
                == "steps is an object (from --set), but has to be a single value")
        #expect(
            message(Self.minimal, "normalisePatches=1")
                == "normalisePatches is 1 (from --set), but has to be true or false")
        #expect(message([1])?.contains("an object") == true)
        #expect(message(Self.minimal, "steps")?.contains("is not key=value") == true)
    }

    @Test func methodsOfThisBuildAreNamed() {
        let methods = MethodDescriptor.all.map(\.name).joined(separator: ", ")
        #expect(message([:]) == "method is missing: say one of \(methods)")
        #expect(
            message(["method": "none"])
                == "method is \"none\" (from c.json): choose one of \(methods)")
    }

    @Test(arguments: [
        "logicalShards=7", "input.patchSamples=74", "masking.ratio=0.99", "masking.ratio=0",
        "encoder.width=191", "exchange.gradientBits=12", "optimizer.minimumLearningRate=1",
        "optimizer.warmupSteps=999999", "input.leads=8", "initialWeights=abc", "seed=-1",
        "optimizer.clipNorm=0", "exchange.compression=gzip", "optimizer.beta1=1",
    ])
    func valuesThatCannotBeAreRefused(override: String) {
        #expect(message(Self.minimal, override)?.isEmpty == false)
    }

    @Test func narrowLanesBoundTheShards() throws {
        _ = try Configuration(
            Self.minimal, overrides: ["exchange.gradientBits=8", "logicalShards=8"])
        #expect(
            message(Self.minimal, "exchange.gradientBits=8", "logicalShards=16")
                == "exchange.gradientBits, logicalShards: 16 shards leave 3 bits and a sign to a "
                + "gradient; 4 are needed: choose wider gradients or at most 8 shards")
    }

    @Test func aKeyOfFormerVersionsIsPassedOverAndSaid() throws {
        let former = try Configuration(
            .object((Self.minimal.objectValue ?? [:]).merging(["log": ["everySteps": 3]]) { $1 }),
            name: "c.json")
        #expect(former.resolved == (try Configuration(Self.minimal).resolved))
        #expect(
            former.notices == [
                "log.everySteps (from c.json) has no effect: lines about the progress follow the clock; leave it out"
            ])
        #expect(message(Self.minimal, "log.everyStep=3")?.contains("log.everyStep") == true)
    }

    @Test(arguments: [
        "checkpoint.everySteps=7", "checkpoint.keep=9", "exchange.compression=none",
        "validation.everySteps=3",
    ])
    func digestLeavesOutWhatDecidesNoBits(override: String) throws {
        let plain = try Configuration(Self.minimal)
        let other = try Configuration(Self.minimal, overrides: [override])
        #expect(plain.digest(dataset: Self.dataset) == other.digest(dataset: Self.dataset))
        #expect(plain.differences(from: other).isEmpty)
        #expect(plain.differences(from: other, decidingBitsOnly: false).count == 1)
    }

    @Test(arguments: [
        "seed=1", "batchSize=32", "steps=1000", "encoder.depth=2", "optimizer.beta1=0.8",
        "exchange.gradientBits=16", "exchange.marginBits=2", "data.validationFold=8",
        "optimizer.noDecay1d=true", "optimizer.clipNorm=1", "normalisePatches=false",
        "optimizer.schedule=cosine-from-start",
    ])
    func digestHoldsWhatDecidesBits(override: String) throws {
        let plain = try Configuration(Self.minimal, overrides: ["optimizer.warmupSteps=5"])
        let other = try Configuration(
            Self.minimal, overrides: ["optimizer.warmupSteps=5", override])
        #expect(plain.digest(dataset: Self.dataset) != other.digest(dataset: Self.dataset))
        let differences = plain.differences(from: other)
        #expect(differences.map(\.key) == [String(override.prefix { $0 != "=" })])
    }

    @Test func digestHoldsTheDataSet() throws {
        let plain = try Configuration(Self.minimal)
        #expect(
            plain.digest(dataset: Self.dataset)
                != plain.digest(dataset: SHA256.digest(of: "other".utf8)))
    }

    @Test func weightsOfARecordedRunAreTakenOver() throws {
        let weights = SHA256.digest(of: [5])
        let given = try Configuration(Self.minimal, overrides: ["seed=3"])
        let recorded = try Configuration(
            Self.minimal, overrides: ["seed=3", Configuration.override(initialWeights: weights)])
        #expect(recorded.initialWeights == weights)
        let same = try given.startingFromWeights(of: recorded)
        #expect(same.initialWeights == weights && same.differences(from: recorded).isEmpty)
        #expect(try given.startingFromWeights(of: given).initialWeights == nil)
        #expect(try recorded.startingFromWeights(of: given).initialWeights == weights)
    }

    @Test func differencesAreReadable() throws {
        let here = try Configuration(Self.minimal, overrides: ["seed=1"])
        let there = try Configuration(Self.minimal, overrides: ["seed=2"])
        #expect(here.differences(from: there).map(\.description) == ["seed: 1 here, 2 there"])
    }

    @Test func filesThatCannotBeReadAreNamed() throws {
        let path = FileManager.default.temporaryDirectory.path + "/configuration-\(UUID()).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let absent = #expect(throws: ConfigurationError.self) {
            try Configuration(path: FilePath(path))
        }
        #expect(absent?.description.contains(path) == true)
        try AtomicFile.write("{\"method\": \"st-mem\",}", to: FilePath(path))
        let broken = #expect(throws: ConfigurationError.self) {
            try Configuration(path: FilePath(path))
        }
        #expect(
            broken?.description
                == "\(path): not valid JSON: line 1, column 21: expected a key in quotes")
    }

    @Test(arguments: ["tiny", "small", "base", "reference"])
    func readyFilesAreValid(size: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.path + "/cluster/configurations/st-mem-\(size).json"
        let configuration = try Configuration(path: FilePath(path))
        let sizes = [
            "tiny": [192, 6, 3, 768, 128, 2, 2, 512], "small": [384, 12, 6, 1536, 256, 4, 4, 1024],
            "base": [768, 12, 12, 3072, 256, 4, 4, 1024],
            "reference": [192, 6, 3, 768, 128, 2, 2, 512],
        ]
        let model = try #require(configuration.details as? STMEMConfiguration)
        let (encoder, decoder) = (model.encoder, model.decoder)
        #expect(
            sizes[size] == [
                encoder.width, encoder.depth, encoder.heads, encoder.mlpWidth,
                decoder.width, decoder.depth, decoder.heads, decoder.mlpWidth,
            ])
        guard size == "reference" else { return }
        #expect(configuration.batchSize == 32 && configuration.logicalShards == 8)
        #expect(configuration.steps == 800 && configuration.optimizer.warmupSteps == 60)
        #expect(configuration.optimizer.learningRate == 1e-3)
        #expect(configuration.optimizer.minimumLearningRate == 0)
    }
}
