import Runtime
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite struct OfficialWeightsTests {
    private static let state = [
        NamedTensor("moment1.encoder.norm.weight", patterned([4], seed: 9)),
        NamedTensor("parameter.encoder.norm.weight", patterned([4], seed: 1)),
        NamedTensor("parameter.encoder.to_patch_embedding.2.weight", patterned([4, 3], seed: 2)),
        NamedTensor("parameter.mask_embedding", patterned([1, 1, 2], seed: 3)),
        NamedTensor("state.step", patterned(.int64, [1], seed: 4)),
    ]

    private func file(
        _ tensors: [NamedTensor], in folder: TemporaryFolder
    ) throws -> SafetensorsFile {
        try SafetensorsFile.write(tensors, to: folder.file("w.safetensors"))
        return try SafetensorsFile(path: folder.file("w.safetensors"))
    }

    @Test func anEncoderHasNoPrefix() {
        #expect(
            OfficialWeights.encoder(of: Self.state).map(\.name)
                == ["norm.weight", "to_patch_embedding.2.weight"])
    }

    @Test func aWholeModelHasTheSecondNames() {
        #expect(
            OfficialWeights.wholeModel(of: Self.state).map(\.name) == [
                "encoder.norm.weight", "encoder.to_patch_embedding.2.weight", "mask_embedding",
                "to_patch_embedding.2.weight",
            ])
    }

    @Test func whatWasExportedReadsBack() throws {
        let folder = try TemporaryFolder()
        let encoder = emptied(Self.state)
        let encoderFile = try file(
            OfficialWeights.encoder(of: Self.state)
                + [
                    NamedTensor("head.weight", patterned([5, 4])),
                    NamedTensor("head.bias", patterned([5])),
                ],
            in: folder)
        #expect(try OfficialWeights.read(encoderFile, into: encoder) == false)
        let whole = emptied(Self.state)
        let wholeFile = try file(OfficialWeights.wholeModel(of: Self.state), in: folder)
        #expect(try OfficialWeights.read(wholeFile, into: whole))
        for (index, named) in Self.state.enumerated() {
            let isParameter = named.name.hasPrefix("parameter.")
            let isEncoder = named.name.hasPrefix("parameter.encoder.")
            let bytes = named.tensor.bytes
            #expect(encoder[index].tensor.bytes.elementsEqual(bytes) == isEncoder)
            #expect(whole[index].tensor.bytes.elementsEqual(bytes) == isParameter)
        }
    }

    private static let stateSpaces = [
        NamedTensor("moment1.encoder.encoder.layers.0.0.weight", patterned([4, 2, 3], seed: 9)),
        NamedTensor("parameter.encoder.encoder.layers.0.0.weight", patterned([4, 2, 3], seed: 1)),
        NamedTensor(
            "parameter.encoder.predictor.predictor.s4_layers.0.D", patterned([1, 4], seed: 2)),
        NamedTensor("parameter.head_ssl.proj.0.weight", patterned([4, 4], seed: 3)),
    ]

    @Test(arguments: [false, true])
    func stateSpacesHaveThePrefixOfTheirAuthors(wholeModel: Bool) throws {
        let folder = try TemporaryFolder()
        let written = OfficialWeights.file(of: Self.stateSpaces, wholeModel: wholeModel)
        let names = [
            "ts_encoder.encoder.layers.0.0.weight", "ts_encoder.predictor.predictor.s4_layers.0.D",
            "ts_encoder.head_ssl.proj.0.weight",
        ]
        #expect(written.map(\.name) == Array(names[..<(wholeModel ? 3 : 2)]))
        let derived = [
            "predictor.predictor.s4_layers.0.kernel.kernel.omega",
            "encoder.layers.0.1.num_batches_tracked",
        ]
        let file = try file(
            written + derived.map { NamedTensor("ts_encoder.\($0)", patterned([2])) }, in: folder)
        let state = emptied(Self.stateSpaces)
        #expect(try OfficialWeights.read(file, into: state) == wholeModel)
        for (named, expected) in zip(state, Self.stateSpaces) {
            let isRead =
                named.name.hasPrefix("parameter.encoder.")
                || (wholeModel && named.name.hasPrefix("parameter."))
            #expect(
                named.tensor.bytes.elementsEqual(expected.tensor.bytes) == isRead, "\(named.name)")
        }
        // What is copied from one run to another takes the same ways.
        let copied = emptied(Self.stateSpaces)
        try OfficialWeights.copyEncoder(from: written, source: "w", into: copied)
        #expect(copied[2].tensor.bytes.elementsEqual(Self.stateSpaces[2].tensor.bytes))
        #expect(!copied[3].tensor.bytes.elementsEqual(Self.stateSpaces[3].tensor.bytes))
        let encoder = OfficialWeights.encoder(inModel: written)
        #expect(
            encoder.map(\.name) == [
                "encoder.layers.0.0.weight", "predictor.predictor.s4_layers.0.D",
            ])
        #expect(OfficialWeights.encoder(inModel: encoder).map(\.name) == encoder.map(\.name))
    }

    private static let supervised = [
        NamedTensor("parameter.encoder.encoder.weight", patterned([4, 2, 1], seed: 1)),
        NamedTensor("parameter.encoder.encoder.bias", patterned([4], seed: 2)),
        NamedTensor("parameter.encoder.s4_layers.0.D", patterned([1, 4], seed: 3)),
        NamedTensor("parameter.encoder.norms.0.weight", patterned([4], seed: 4)),
        NamedTensor("parameter.head.weight", patterned([5, 4], seed: 5)),
        NamedTensor("parameter.head.bias", patterned([5], seed: 6)),
    ]

    /// Five of the supervised S4's names are those of the whole model, whose first one begins as a state's encoder does.
    @Test(arguments: [false, true])
    func theSupervisedS4HasTheNamesOfItsAuthors(wholeModel: Bool) throws {
        let folder = try TemporaryFolder()
        let written = OfficialWeights.file(of: Self.supervised, wholeModel: wholeModel)
        let names = [
            "encoder.weight", "encoder.bias", "s4_layers.0.D", "norms.0.weight", "decoder.weight",
            "decoder.bias",
        ]
        #expect(written.map(\.name) == Array(names[..<(wholeModel ? 6 : 4)]))
        let derived = NamedTensor("s4_layers.0.kernel.kernel.omega", patterned([2]))
        let state = emptied(Self.supervised)
        #expect(
            try OfficialWeights.read(file(written + [derived], in: folder), into: state)
                == wholeModel)
        for (named, expected) in zip(state, Self.supervised) {
            let isRead = wholeModel || named.name.hasPrefix("parameter.encoder.")
            #expect(
                named.tensor.bytes.elementsEqual(expected.tensor.bytes) == isRead, "\(named.name)")
        }
        let copied = emptied(Self.supervised)
        try OfficialWeights.copyEncoder(from: written + [derived], source: "w", into: copied)
        for (index, expected) in Self.supervised.enumerated() {
            let isCopied = index < 4
            #expect(
                copied[index].tensor.bytes.elementsEqual(expected.tensor.bytes) == isCopied)
        }
        // As a state has them, too, and what was found once is found again.
        let models = [
            written, Self.supervised.map { NamedTensor(String($0.name.dropFirst(10)), $0.tensor) },
        ]
        for model in models {
            let encoder = OfficialWeights.encoder(inModel: model)
            #expect(encoder.map(\.name) == Array(names[..<4]))
            #expect(OfficialWeights.encoder(inModel: encoder).map(\.name) == Array(names[..<4]))
        }
    }

    /// A decoder for other classes is no reason to refuse an encoder; of a head that is there the shape has to fit.
    @Test func aDecoderThatTheStateLacksIsPassedOver() throws {
        let folder = try TemporaryFolder()
        let written = OfficialWeights.file(of: Self.supervised, wholeModel: true)
        let state = emptied(Array(Self.supervised[..<4]))
        #expect(try OfficialWeights.read(file(written, in: folder), into: state))
        let normed = emptied(
            Self.supervised + [NamedTensor("parameter.head.norm.weight", patterned([4]))])
        #expect(try !OfficialWeights.read(file(written, in: folder), into: normed))
        #expect(normed[0].tensor.bytes.elementsEqual(Self.supervised[0].tensor.bytes))
        let other =
            Array(written[..<4]) + [
                NamedTensor("decoder.weight", patterned([71, 4])),
                NamedTensor("decoder.bias", patterned([71])),
            ]
        let error = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(file(other, in: folder), into: emptied(Self.supervised))
        }
        #expect(error?.description.contains("decoder.") == true)
    }

    @Test func anUnknownWeightOfStateSpacesIsNamed() throws {
        let folder = try TemporaryFolder()
        let file = try file(
            OfficialWeights.file(of: Self.stateSpaces, wholeModel: false)
                + [NamedTensor("ts_encoder.encoder.layers.7.0.weight", patterned([2]))],
            in: folder)
        let error = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(file, into: emptied(Self.stateSpaces))
        }
        #expect(error?.description.contains("ts_encoder.encoder.layers.7.0.weight") == true)
    }

    @Test func theSecondNamesMayBeAbsent() throws {
        let folder = try TemporaryFolder()
        let weights = OfficialWeights.wholeModel(of: Self.state)
            .filter { !$0.name.hasPrefix("to_patch_embedding.") }
        #expect(try OfficialWeights.read(file(weights, in: folder), into: emptied(Self.state)))
    }

    @Test func whatDoesNotFitIsNamedBeforeAnythingIsWritten() throws {
        let folder = try TemporaryFolder()
        let target = emptied(Self.state)
        let whole = OfficialWeights.wholeModel(of: Self.state)
        var wrong = whole
        wrong[2] = NamedTensor("mask_embedding", patterned([1, 1, 3]))
        let shape = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(file(wrong, in: folder), into: target)
        }
        #expect(
            shape?.description.hasSuffix(
                "tensor 'mask_embedding' is F32 [1, 1, 3], expected F32 [1, 1, 2]; weights go into the method and the "
                    + "sizes that they were trained with; give that configuration") == true)
        let absent = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(
                file(whole.filter { $0.name != "encoder.norm.weight" }, in: folder), into: target)
        }
        #expect(absent?.description.hasSuffix("no tensor 'encoder.norm.weight'") == true)
        let unknown = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(
                file(whole + [NamedTensor("mask_embeding", patterned([1]))], in: folder),
                into: target)
        }
        #expect(unknown?.description.contains("the nearest is 'mask_embedding'; weights") == true)
        #expect(target.allSatisfy { $0.tensor.bytes.allSatisfy { $0 == 0 } })
    }

    @Test(
        arguments: [Float.nan, .infinity, -.infinity, .signalingNaN],
        ["norm.weight", "to_patch_embedding.2.weight", "head.weight"])
    func weightsThatAreNotFiniteAreRefusedByName(value: Float, name: String) throws {
        let folder = try TemporaryFolder()
        let weights =
            OfficialWeights.encoder(of: Self.state) + [
                NamedTensor("head.weight", patterned([5, 4]))
            ]
        let copies = weights.map { NamedTensor($0.name, $0.tensor.copied()) }
        let spoilt = try #require(copies.first { $0.name == name }).tensor
        spoilt.floats[spoilt.count - 1] = value
        let place = spoilt.shape.map { $0 - 1 }
        let state = emptied(Self.state)
        let file = try file(copies, in: folder)
        let error = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(file, into: state)
        }
        #expect(
            error
                == .notFinite(
                    file: file.path.text, tensor: name,
                    problem:
                        "\(value.isNaN ? "NaN" : value > 0 ? "infinity" : "-infinity") at \(place), "
                        + "1 of \(spoilt.count) numbers are not finite"))
        for named in state { #expect(named.tensor.bytes.allSatisfy { $0 == 0 }, "\(named.name)") }
    }

    @Test func onlyFloatsCanBeNotFinite() {
        let doubles = Tensor(.float64, shape: [2, 3])
        #expect(doubles.notFinite == nil)
        doubles.bytes.storeBytes(of: Double.infinity, toByteOffset: 32, as: Double.self)
        #expect(doubles.notFinite == "infinity at [1, 1], 1 of 6 numbers are not finite")
        let counters = Tensor(.int32, shape: [4])
        for index in counters.bytes.indices { counters.bytes[index] = 0xFF }
        #expect(counters.notFinite == nil)
        #expect(Tensor([Float](), shape: [0, 3]).notFinite == nil)
        #expect(
            Tensor([Float.nan], shape: []).notFinite == "NaN at [], 1 of 1 numbers are not finite")
    }

    @Test func aCheckpointsWeightsThatAreNotFiniteAreRefusedByName() throws {
        let folder = try TemporaryFolder()
        let store = CheckpointStore(path: folder.file("run/checkpoints"))
        let weight = Tensor([1, 2, .nan, 4], shape: [2, 2])
        let state = [
            NamedTensor("moment1.w", Tensor([.infinity], shape: [1])),
            NamedTensor("parameter.v", Tensor([1], shape: [1])),
            NamedTensor("parameter.w", weight),
        ]
        let name = CheckpointName(step: 4, generation: 0, term: 1)
        try store.save(state, as: name, context: context(step: 4))
        #expect(
            throws: CheckpointError.notFinite(
                checkpoint: store.folder(of: name).text, tensor: "parameter.w",
                problem: "NaN at [1, 0], 1 of 4 numbers are not finite")
        ) { try store.tensors(of: name) { $0.hasPrefix("parameter.") } }
        let sound = try store.tensors(of: name) { $0 == "parameter.v" }.tensors
        #expect(sound.map(\.tensor.floatArray) == [[1]])
        // The bytes are sound: a state is read as it is, and training says what it makes of it.
        try store.verify(name)
        try store.load(name, into: emptied(state))
    }
}
