import Configurations
import Foundation
import Runtime
import TestSupport
import Testing

/// The settings of methods that compare: defaults, contradictions, and the configurations that come along.
struct ContrastiveConfigurationTests {
    private func message(_ method: String, _ overrides: [String]) -> String? {
        let error = #expect(throws: ConfigurationError.self, "\(method) \(overrides)") {
            try Configuration(
                ["method": .string(method)], name: "c.json", overrides: overrides)
        }
        return error?.description
    }

    @Test(arguments: ["simclr", "cmsc", "cpc", "triplet"])
    func aMethodIsEnough(method: String) throws {
        let configuration = try Configuration(["method": .string(method)])
        #expect(configuration.method.name == method)
        #expect(configuration.optimizer.beta2 == 0.999)
        #expect(configuration.input.cropSamples == 2250)
        let again = try Configuration(configuration.resolved)
        #expect(again.details.isEqual(to: configuration.details))
    }

    @Test func defaultsAreThoseOfTheDesign() throws {
        func details<Settings>(_ method: String) throws -> Settings {
            try #require(
                try Configuration(["method": .string(method)]).details as? Settings)
        }
        let views: SimCLRConfiguration = try details("simclr")
        let segments: CMSCConfiguration = try details("cmsc")
        let predictions: CPCConfiguration = try details("cpc")
        let triplets: TripletConfiguration = try details("triplet")
        #expect(views.projectionWidth == 128 && views.temperature == 0.1)
        #expect(
            views.augmentation
                == AugmentationConfiguration(
                    smallestCrop: 0.5, largestTimeOut: 0.4, noise: 0.05, largestGain: 2,
                    leadMask: 0.3, baselineWander: 0.1))
        #expect(segments.segmentSamples == 1125 && segments.terms == .four)
        #expect(predictions.time == 26 && predictions.horizons == 8)
        #expect(predictions.negatives == .sequence && predictions.negativeCount == 64)
        #expect(triplets.hiddenWidth == 64 && triplets.outputWidth == 9 && triplets.margin == 1)
        #expect(triplets.unfreeze == 0 && triplets.mining == .random)
    }

    @Test func smallShardsAndNarrowGradientsDoNotNormaliseBatches() {
        let small = message("simclr", ["backbone=cnn", "batchSize=32", "logicalShards=8"])
        #expect(small?.contains("a shard of 4 samples has no mean and variance") == true)
        #expect(small?.contains("8 samples a shard") == true)
        let narrow = message("cmsc", ["backbone=cnn", "exchange.gradientBits=16"])
        #expect(narrow?.contains("choose 32 bits") == true)
    }

    @Test func signalsHaveToFitTheNetworks() {
        #expect(
            message("cmsc", ["input.cropSamples=2251"])?.contains("two equal segments") == true)
        #expect(
            message("cmsc", ["input.cropSamples=2500"])?
                .contains("1250 samples are not whole patches of 75") == true)
        #expect(
            message("simclr", ["backbone=cnn", "cnn.blocks=6"])?
                .contains("nothing is left of 2250 samples after 6 blocks") == true)
        #expect(
            message("cpc", ["input.cropSamples=800"])?
                .contains("800 samples give 8 latents, none of which has 8 after it") == true)
        #expect(message("triplet", ["unfreeze=7"])?.contains("has 6 blocks, not 7") == true)
    }

    @Test(arguments: [
        ("simclr", "batchSize=1"), ("cmsc", "batchSize=1"), ("triplet", "batchSize=2"),
    ])
    func oneSampleHasNothingToBeComparedWith(method: String, override: String) {
        #expect(
            message(method, [override, "logicalShards=1"])?.contains("choose a batch") == true)
    }

    @Test func ecgCPCSeesItsOwnRate() throws {
        let configuration = try Configuration(["method": "ecg-cpc"])
        let settings = try #require(configuration.details as? ECGCPCConfiguration)
        #expect(configuration.input.cropSamples == 2500)
        #expect(settings.encoder.samples(of: configuration.input) == 2400)
        #expect(settings.encoder.tokens(of: configuration.input) == 1200)
        // Far beyond what a number of samples can be.
        #expect(
            message("ecg-cpc", ["input.sampleRateHz=1e-20"])?.contains("encoder.length") == true)
        #expect(settings.encoder.length == 1200 && settings.encoder.chunk == 24)
        #expect(settings.horizon == 14 && settings.negativeCount == 128)
        #expect(settings.reduction == .mean && settings.learningRateFactor == 1)
        #expect(configuration.optimizer.warmupSteps * 20 == configuration.steps)
        let short = try Configuration([
            "method": "ecg-cpc", "input": ["sampleRateHz": 500, "cropSamples": 1250],
        ])
        let encoder = try #require(short.details as? ECGCPCConfiguration).encoder
        #expect(encoder.tokens(of: short.input) == 300)
        #expect(encoder.length == 300)
        #expect(
            message("ecg-cpc", ["input.cropSamples=30"])?
                .contains("30 samples give 14 tokens, none of which has 14 after it") == true)
        #expect(message("ecg-cpc", ["encoder.state=7"])?.contains("conjugate pairs") == true)
        #expect(
            message("ecg-cpc", ["exchange.gradientBits=16"])?.contains("choose 32 bits") == true)
        #expect(
            message("ecg-cpc", ["input.filterBeforeCrop=true"])?.contains("without a filter")
                == true)
    }

    @Test func stateSpacesSeeWhatTheirMethodGives() throws {
        let cmsc = try Configuration([
            "method": "cmsc", "backbone": "s4", "encoder": ["bidirectional": true],
        ])
        let details = try #require(cmsc.details as? CMSCConfiguration)
        let encoder = try #require(details.backbone.encoder as? StateSpaceEncoderConfiguration)
        #expect(encoder.signals == .standardised && encoder.stem == .strided)
        #expect(encoder.isBidirectional && encoder.width == 128)
        // A segment is half of the crop's 2,250 samples, two of which make a token.
        #expect(encoder.length == 563)
        let supervised = try Configuration([
            "method": "finetune", "base": "ecg-cpc", "input": ["cropSamples": 625],
            "encoder": ["stem": "linear", "bidirectional": true, "sampleRateHz": 100],
        ])
        let tuned = try #require(
            (supervised.details as? FinetuneConfiguration)?.encoder
                as? StateSpaceEncoderConfiguration)
        #expect(tuned.signals == .millivolts(sampleRateHz: 100) && tuned.length == 250)
        #expect(
            message("simclr", ["backbone=s4", "encoder.sampleRateHz=100"])?
                .contains("unknown key") == true)
        #expect(
            message("ecg-cpc", ["encoder.bidirectional=true"])?.contains("nothing to predict")
                == true)
        #expect(
            message("simclr", ["backbone=s4", "exchange.gradientBits=16"])?
                .contains("choose 32 bits") == true)
        let narrow = ["backbone=s4", "encoder.stem=linear", "exchange.gradientBits=16"]
        #expect(throws: Never.self) { try Configuration(["method": "simclr"], overrides: narrow) }
        #expect(
            message("simclr", ["backbone=s4", "encoder.stem=none"])?.contains("strided") == true)
    }

    @Test func cropsMayRunOnIntoTheRecord() throws {
        let dataset = SHA256.digest(of: [])
        for method in ["st-mem", "ecg-jepa", "ecg-cpc", "simclr", "cmsc", "cpc"] {
            let plain = try Configuration(["method": .string(method)])
            #expect(plain.input.crops == .window)
            #expect(plain.resolved["input"]?["crops"]?.stringValue == "window")
            #expect(!plain.entries.filter(\.decidesBits).map(\.key).contains("input.crops"))
            let other = try Configuration(
                ["method": .string(method)], overrides: ["input.crops=record"])
            #expect(other.input.crops == .record && other.input.cropped(to: 75).crops == .record)
            #expect(other.digest(dataset: dataset) != plain.digest(dataset: dataset))
            #expect(other.differences(from: plain).map(\.key) == ["input.crops"])
            #expect(
                try Configuration(other.resolved).digest(dataset: dataset)
                    == other.digest(dataset: dataset))
        }
        #expect(message("st-mem", ["input.crops=records"])?.contains("window, record") == true)
        for override in ["hybrid=tokens", "hybrid=channels"] {
            #expect(
                message("hybrid", [override, "input.crops=record"])?
                    .contains("input.crops, method: the clinical parameters") == true)
        }
        #expect(
            message("finetune", ["base=hybrid", "input.crops=record"])?
                .contains("input.crops, method: the clinical parameters") == true)
        #expect(throws: Never.self) {
            try Configuration(
                ["method": "finetune"], overrides: ["base=ecg-jepa", "input.crops=record"])
        }
    }

    /// Keys that came later are in the digest where they say something, so that what ran before goes on.
    @Test func theDigestOfWhatNobodySaidStays() throws {
        let dataset = SHA256.digest(of: [])
        let plain = try Configuration(["method": "ecg-cpc"])
        #expect(plain.resolved["encoder"]?["stem"]?.stringValue == "strided")
        let lines = plain.entries.filter(\.decidesBits).map(\.key)
        #expect(lines.contains("encoder.width") && !lines.contains("encoder.stem"))
        for change in ["encoder.stem=linear", "encoder.sampleRateHz=100"] {
            let other = try Configuration(["method": "ecg-cpc"], overrides: [change])
            #expect(other.digest(dataset: dataset) != plain.digest(dataset: dataset))
            let key = String(change.prefix { $0 != "=" })
            #expect(other.differences(from: plain).map(\.key).contains(key))
            #expect(
                try Configuration(other.resolved).digest(dataset: dataset)
                    == other.digest(dataset: dataset))
        }
    }

    /// A count that the file has says nothing, and is not in the way, where nothing is drawn.
    @Test(arguments: [("ecg-cpc", "all"), ("cpc", "batch")])
    func aCountOfNegativesIsNotInTheWay(method: String, from: String) throws {
        let content: JSONValue = ["method": .string(method), "negatives": ["count": 7]]
        let other = try Configuration(content, overrides: ["negatives.from=\(from)"])
        #expect(other.notices.count == 1 && other.notices[0].contains("negatives.count"))
        #expect(other.resolved["negatives"]?["count"] == nil)
        let without = try Configuration(
            ["method": .string(method), "negatives": ["from": .string(from)]])
        #expect(without.notices.isEmpty && other.differences(from: without).isEmpty)
        #expect(try Configuration(content).notices.isEmpty)
    }

    @Test func nullTakesBackWhatTheFileSays() throws {
        let content: JSONValue = [
            "method": "simclr", "backbone": "cnn", "cnn": ["width": 8, "blocks": 2], "steps": 5,
        ]
        let overrides = ["backbone=s4", "cnn=null", "steps=null"]
        let configuration = try Configuration(content, overrides: overrides)
        #expect(configuration.resolved["cnn"] == nil)
        #expect(configuration.steps == 20_000)
        #expect(
            try Configuration(content, overrides: ["cnn.width=null"]).resolved["cnn"]?["width"]
                == 256)
        // Without it the message says how, and what nobody said cannot be taken back.
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(content, overrides: ["backbone=s4"])
        }
        #expect(
            error?.description.contains("--set cnn.blocks=null") == true,
            "\(error?.description ?? "")")
        for slip in ["cn=null", "batchSize=null"] {
            #expect(throws: ConfigurationError.self) {
                try Configuration(content, overrides: [slip])
            }
        }
    }

    @Test func onlyKeysOfTheMethodAndItsBackboneAreKnown() {
        #expect(message("simclr", ["cnn.width=8"])?.contains("unknown key") == true)
        #expect(
            message("simclr", ["backbone=cnn", "encoder.width=8"])?.contains("unknown key")
                == true)
        #expect(message("cpc", ["temperature=1"])?.contains("unknown key") == true)
        #expect(message("triplet", ["mining=semihard"])?.contains("'semi-hard'") == true)
    }

    @Test(arguments: ["simclr", "cmsc", "cpc", "ecg-cpc", "triplet"], ["tiny", "small", "base"])
    func configurationsThatComeAlongAreWhole(method: String, size: String) throws {
        let configuration = try Configuration(
            path: "\(Fixtures.packageFolder)/cluster/configurations/\(method)-\(size).json")
        #expect(configuration.method.name == method)
    }
}
