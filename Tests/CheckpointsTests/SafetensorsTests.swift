import Runtime
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    private static let tensors = [
        NamedTensor("b.weight", Tensor([1, -2, 3.5, 0, .infinity, 6], shape: [2, 3])),
        NamedTensor("a", patterned(.uint8, [5])),
        NamedTensor("state.step", patterned(.int64, [])),
        NamedTensor("empty", Tensor(.int16, shape: [0, 4])),
    ]

    private func bytes(
        header: String, data: Int = 0, length: UInt64? = nil
    ) -> [UInt8] {
        let count = length ?? UInt64(header.utf8.count)
        return withUnsafeBytes(of: count.littleEndian) { Array($0) } + Array(header.utf8)
            + [UInt8](repeating: 7, count: data)
    }

    @Test func readsWhatItWrites() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("t.safetensors")
        try SafetensorsFile.write(
            Self.tensors, metadata: ["config": "{\"a\": 1}"], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["a", "b.weight", "empty", "state.step"])
        #expect(file.metadata == ["config": "{\"a\": 1}"])
        for named in Self.tensors {
            let read = try file.tensor(named.name)
            #expect(read.elementType == named.tensor.elementType)
            #expect(read.shape == named.tensor.shape)
            #expect(read.bytes.elementsEqual(named.tensor.bytes))
        }
    }

    @Test func theBytesAreThoseOfTheFormat() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("t.safetensors")
        try SafetensorsFile.write(
            [NamedTensor("x", Tensor([1, 2], shape: [2]))], to: path)
        let header = #"{"x":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let expected =
            [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(padded.utf8)
            + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
        #expect(try folder.read("t.safetensors") == expected)
    }

    @Test func orderOfTensorsDoesNotShow() throws {
        let folder = try TemporaryFolder()
        try SafetensorsFile.write(Self.tensors, to: folder.file("one"))
        try SafetensorsFile.write(Self.tensors.reversed(), to: folder.file("two"))
        #expect(try folder.read("one") == folder.read("two"))
    }

    @Test func readsIntoTensorsOfTheSameKindOnly() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("t.safetensors")
        try SafetensorsFile.write(Self.tensors, to: path)
        let file = try SafetensorsFile(path: path)
        let target = Tensor(.float32, shape: [2, 3])
        try file.read("b.weight", into: target)
        #expect(target.floatArray == [1, -2, 3.5, 0, .infinity, 6])
        let other = Tensor(.float32, shape: [3, 2])
        #expect(
            throws: SafetensorsError.differs(
                file: path.text, tensor: "b.weight", found: "F32 [2, 3]", expected: "F32 [3, 2]")
        ) { try file.read("b.weight", into: other) }
        #expect(throws: SafetensorsError.absent(file: path.text, tensor: "c")) {
            try file.read("c", into: other)
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("t.safetensors")
        try SafetensorsFile.write(Self.tensors, metadata: ["a": "b"], to: path)
        let whole = try folder.read("t.safetensors")
        for count in 0..<whole.count {
            let cut = try folder.write(whole[..<count], to: "cut")
            let error = #expect(throws: SafetensorsError.self, "\(count) bytes") {
                try SafetensorsFile(path: cut)
            }
            #expect(error?.description.contains(cut.text) == true)
        }
        let longer = try folder.write(whole + [0], to: "longer")
        #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: longer) }
    }

    @Test func flippedBitsNeverLeadOutOfTheFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("t.safetensors")
        try SafetensorsFile.write(Self.tensors, metadata: ["a": "b"], to: path)
        let whole = try folder.read("t.safetensors")
        let headerBytes = 8 + Int(whole[0]) + Int(whole[1]) << 8
        for bit in 0..<headerBytes * 8 {
            var damaged = whole
            damaged[bit / 8] ^= 1 << (bit % 8)
            let file = try folder.write(damaged, to: "damaged")
            guard let read = try? SafetensorsFile(path: file) else { continue }
            let total = try read.tensors().reduce(0) { $0 + $1.tensor.byteCount }
            #expect(total == read.header.entries.reduce(0) { $0 + $1.range.count })
            #expect(read.header.dataOffset + total == whole.count, "bit \(bit)")
        }
    }

    @Test(arguments: [
        ("{", "header"), ("[]", "header"), ("", "header"), (" {}", "header"), ("{} x", "header"),
        (#"{"a":1}"#, "a"),
        (#"{"__metadata__":1}"#, "__metadata__"),
        (#"{"__metadata__":{"k":1}}"#, "__metadata__.k"),
        (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, "a.dtype"),
        (#"{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, "a.dtype"),
        (#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[1]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}"#, "a.more"),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
                + #""b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, "b.data_offsets"
        ),
        (#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, "data"),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
                + #""a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, "header"
        ),
        (#"{}"#, "data"),
    ])
    func everyLieNamesItsField(header: String, field: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes(header: header, data: 4), to: "lie")
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(path: path)
        }
        #expect(error?.description.hasPrefix("\(path): \(field): ") == true, "\(error as Any)")
    }

    @Test(arguments: [UInt64.max, 1 << 63, 1 << 40, 100_000_001, 3])
    func absurdHeaderLengthsAreRefused(length: UInt64) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes(header: "{}", length: length), to: "lie")
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(path: path)
        }
        #expect(error?.description.contains("header length") == true)
    }

    @Test func anEmptyFileOfTensorsIsAFile() throws {
        let folder = try TemporaryFolder()
        try SafetensorsFile.write([], to: folder.file("none"))
        #expect(try SafetensorsFile(path: folder.file("none")).names.isEmpty)
    }

    @Test func aFailedWriteLeavesTheFormerFile() throws {
        let folder = try TemporaryFolder()
        #expect(throws: SafetensorsError.self) {
            try SafetensorsFile.write(Self.tensors, to: folder.file("absent/file"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path.text).isEmpty)
    }
}
