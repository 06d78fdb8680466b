import Checkpoints
import Runtime
import Tensors
import TestSupport
import Testing

/// Every way of loading weights into a network is as strict as the others.
@Suite struct LoadingTests {
    private let folder: TemporaryFolder
    private let store: CheckpointStore

    init() throws {
        folder = try TemporaryFolder()
        store = CheckpointStore(path: folder.file("run/checkpoints"))
    }

    private static func state(_ factor: Float) -> [NamedTensor] {
        [
            NamedTensor("moment1.encoder.w", Tensor([factor, .infinity], shape: [2])),
            NamedTensor("parameter.encoder.b", Tensor([factor], shape: [1])),
            NamedTensor(
                "parameter.encoder.w",
                Tensor([1, 2, 3, 4, 5, 6].map { $0 * factor }, shape: [2, 3])
            ),
        ]
    }

    private static var parameters: [NamedTensor] {
        [
            NamedTensor("parameter.encoder.w", Tensor(shape: [2, 3])),
            NamedTensor("parameter.encoder.b", Tensor(shape: [1])),
        ]
    }

    private func save(_ state: [NamedTensor], step: UInt64) throws -> CheckpointName {
        let name = CheckpointName(step: step, generation: 0, term: 1)
        try store.save(state, as: name, context: context(step: step))
        return name
    }

    /// Another tensor set in place of the parameters, and what is said of it.
    enum Misfit: String, CaseIterable {
        case unknown, absent, shape, type

        func change(_ parameters: [NamedTensor]) -> [NamedTensor] {
            switch self {
            case .unknown: [parameters[0]]
            case .absent: parameters + [NamedTensor("parameter.encoder.c", Tensor(shape: [1]))]
            case .shape: [parameters[1], NamedTensor(parameters[0].name, Tensor(shape: [3, 2]))]
            case .type:
                [parameters[1], NamedTensor(parameters[0].name, Tensor(.float64, shape: [2, 3]))]
            }
        }

        var name: String {
            switch self {
            case .unknown: "encoder.b"
            case .absent: "encoder.c"
            case .shape, .type: "encoder.w"
            }
        }
    }

    @Test func parametersOfTheNewestAreRead() throws {
        _ = try save(Self.state(1), step: 1)
        let name = try save(Self.state(2), step: 2)
        let parameters = Self.parameters
        let read = try store.loadNewestParameters(into: parameters) { _, _ in }
        #expect(read.name == name)
        #expect(parameters[0].tensor.floatArray == [2, 4, 6, 8, 10, 12])
        #expect(parameters[1].tensor.floatArray == [2])
        #expect(
            try store.loadNewestParameters(step: 1, into: parameters) { _, _ in }.name.step == 1)
        #expect(parameters[1].tensor.floatArray == [1])
        #expect(throws: CheckpointError.noStep(path: store.path, step: 3, there: [1, 2])) {
            try store.loadNewestParameters(step: 3, into: parameters) { _, _ in }
        }
    }

    @Test func aDamagedOneIsNamedByTensorAndPassedOver() throws {
        _ = try save(Self.state(1), step: 1)
        let damaged = try save(Self.state(2), step: 2)
        let file = "run/checkpoints/\(damaged)/\(CheckpointShard.fileName(index: 0, of: 1))"
        var bytes = try folder.read(file)
        bytes[bytes.count - 1] ^= 1
        try folder.write(bytes, to: file)
        var reports: [String] = []
        let parameters = Self.parameters
        let read = try store.loadNewestParameters(into: parameters) { reports.append("\($1)") }
        #expect(read.name.step == 1)
        #expect(parameters[0].tensor.floatArray == [1, 2, 3, 4, 5, 6])
        #expect(reports.count == 1)
        #expect(reports.first?.contains("tensor parameter.encoder.w, piece 1 of 1") == true)
        let copied = try store.newestTensors(where: { $0.hasSuffix("b") }) { _, _ in
            reports.append("")
        }
        #expect(copied.name.step == 1 && reports.count == 2)
        #expect(copied.tensors.map(\.tensor.floatArray) == [[1]])
    }

    /// A sound checkpoint with bad numbers is no reason to take an older one in silence.
    @Test func numbersThatAreNotFiniteAreRefused() throws {
        _ = try save(Self.state(1), step: 1)
        _ = try save(Self.state(.nan), step: 2)
        for _ in 0..<2 {
            #expect(throws: CheckpointError.self) {
                try store.loadNewestParameters(into: Self.parameters) { _, _ in }
            }
        }
        #expect(throws: CheckpointError.self) {
            try store.newestTensors(where: { $0.hasPrefix("parameter.") }) { _, _ in }
        }
    }

    @Test(arguments: Misfit.allCases)
    func anotherNetworkIsRefusedByNameBeforeAnythingIsWritten(misfit: Misfit) throws {
        _ = try save(Self.state(1), step: 1)
        let parameters = misfit.change(Self.parameters)
        let inCheckpoint = #expect(throws: CheckpointError.self) {
            try store.loadNewestParameters(into: parameters) { _, _ in }
        }
        #expect(inCheckpoint?.description.contains(misfit.name) == true)
        let weights = OfficialWeights.encoder(of: Self.state(1))
        let elsewhere = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.copyEncoder(from: weights, source: "elsewhere", into: parameters)
        }
        let path = folder.file("w.safetensors")
        try SafetensorsFile.write(weights, to: path)
        let inFile = #expect(throws: SafetensorsError.self) {
            try OfficialWeights.read(SafetensorsFile(path: path), into: parameters)
        }
        let name = String(misfit.name.dropFirst("encoder.".count))
        #expect(elsewhere?.description.contains(name) == true)
        #expect(
            inFile?.description.dropFirst(path.text.count)
                == elsewhere?.description.dropFirst("elsewhere".count))
        for named in parameters { #expect(named.tensor.bytes.allSatisfy { $0 == 0 }) }
    }

    @Test func aClassifierOnAnEncoderIsPassedOver() throws {
        let weights = OfficialWeights.encoder(of: Self.state(3))
        let head = NamedTensor("head.weight", Tensor([1], shape: [1]))
        let parameters = Self.parameters
        try OfficialWeights.copyEncoder(
            from: weights + [head], source: "elsewhere", into: parameters)
        #expect(parameters[1].tensor.floatArray == [3])
    }
}
