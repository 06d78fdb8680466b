// swift-tools-version: 6.2
import PackageDescription

// The instruction set that every target is compiled for. Inlined kernels keep their caller's flags, so all
// targets get the same ones. PURKINJE_MARCH overrides; 64-bit Arm needs none.
#if arch(x86_64)
    let march = Context.environment["PURKINJE_MARCH"] ?? "x86-64-v3"
    let processor = ["-Xcc", "-march=\(march)"]
#else
    let processor: [String] = []
#endif

let strict: [SwiftSetting] =
    Context.environment["PURKINJE_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
    [.swiftLanguageMode(.v6), .unsafeFlags(processor + ["-Xcc", "-fno-math-errno"])] + strict

/// For rooms whose loops are too slow to test unoptimised.
let hotSettings: [SwiftSetting] =
    settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func room(_ name: String, uses dependencies: [Target.Dependency] = [], hot: Bool = false) -> Target
{
    .target(name: name, dependencies: dependencies, swiftSettings: hot ? hotSettings : settings)
}

func program(_ name: String, uses dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + ["BuildStamp"], swiftSettings: settings)
}

func tests(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)",
        swiftSettings: settings)
}

let methodRooms: [Target.Dependency] = [
    "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks", "Drawing",
    "Electrocardiography", "ClinicalParameters", "Configurations",
]

let clusterRooms: [Target.Dependency] = [
    "Runtime", "Kernels", "Tensors", "Configurations", "Runs", "Transport", "Collectives",
    "Checkpoints",
]

let trainingRooms: [Target.Dependency] = [
    "Runtime", "Kernels", "Tensors", "LinearAlgebra", "NeuralNetworks", "Electrocardiography",
    "ClinicalParameters", "Configurations", "Runs", "Pretraining", "Transport", "Collectives",
    "Checkpoints", "Cluster",
]

let evaluationRooms: [Target.Dependency] = [
    "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
    "Electrocardiography", "Configurations", "Runs", "Pretraining", "Checkpoints",
    "ClinicalParameters",
]

let workflowRooms: [Target.Dependency] =
    evaluationRooms + [
        "Training", "EvaluationSchema", "Evaluation", "Reporting", "Transport", "Collectives",
        "CommandLineInterface", "Diagnosis", "Launching",
    ]

let package = Package(
    name: "purkinje",
    products: [
        .executable(name: "purkinje", targets: ["purkinje"]),
        .executable(name: "purkinje-coordinator", targets: ["purkinje-coordinator"]),
        .executable(name: "purkinje-worker", targets: ["purkinje-worker"]),
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSystem"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .plugin(name: "BuildStampPlugin", capability: .buildTool(), path: "Plugins/BuildStamp"),
        .target(name: "BuildStamp", swiftSettings: settings, plugins: ["BuildStampPlugin"]),

        room("Runtime", uses: ["CSystem", "CZlib", "COpenSSL"], hot: true),
        room("Kernels", uses: ["CSystem"], hot: true),
        room("Tensors", uses: ["Kernels"], hot: true),
        room("LinearAlgebra", uses: ["Kernels", "Tensors", "COpenBLAS"], hot: true),
        room("Statistics", uses: ["Kernels", "LinearAlgebra"], hot: true),
        room("NeuralNetworks", uses: ["Kernels", "Tensors", "LinearAlgebra"], hot: true),
        room("Drawing", uses: ["Runtime"], hot: true),
        room("Electrocardiography", uses: ["Runtime", "Kernels", "Drawing"], hot: true),
        room(
            "ClinicalParameters",
            uses: ["Runtime", "Kernels", "Drawing", "Electrocardiography"], hot: true),
        room("Configurations", uses: ["Runtime"]),
        room("Runs", uses: ["Runtime", "Configurations", "Checkpoints"]),
        room("Pretraining", uses: methodRooms, hot: true),
        room("Transport", uses: ["Runtime", "CZlib"], hot: true),
        room(
            "Collectives", uses: ["CSystem", "Runtime", "Kernels", "Tensors", "Transport"],
            hot: true),
        room("Checkpoints", uses: ["Runtime", "Tensors"], hot: true),
        room("Cluster", uses: clusterRooms),
        room("Training", uses: trainingRooms + ["CSystem"], hot: true),
        room("EvaluationSchema", uses: ["Runtime"]),
        room("Evaluation", uses: evaluationRooms + ["EvaluationSchema"], hot: true),
        room("CommandLineInterface", uses: ["Runtime", "CSystem"]),
        room("Diagnosis", uses: ["Runtime", "Configurations", "LinearAlgebra", "CSystem"]),
        room(
            "Reporting",
            uses: [
                "Runtime", "Drawing", "Configurations", "Runs", "Checkpoints", "EvaluationSchema",
            ]),
        room("Workflows", uses: workflowRooms),
        room("Launching", uses: ["Runtime", "CSystem", "CommandLineInterface"]),
        program(
            "purkinje",
            uses: trainingRooms + [
                "Training", "Statistics", "Evaluation", "CommandLineInterface", "Launching",
                "Workflows",
            ]),
        program(
            "purkinje-coordinator",
            uses: clusterRooms + ["Cluster", "CommandLineInterface", "Launching"]),
        program(
            "purkinje-worker",
            uses: trainingRooms + ["Training", "CommandLineInterface", "Launching"]),

        .target(
            name: "TestSupport",
            dependencies: [
                "Runtime", "Kernels", "Tensors", "NeuralNetworks", "Checkpoints", "Transport",
                "Collectives",
            ],
            path: "Tests/TestSupport",
            swiftSettings: hotSettings),
        tests("RuntimeTests", uses: ["Runtime", "CZlib"]),
        tests("KernelsTests", uses: ["Kernels"]),
        tests("TensorsTests", uses: ["Tensors", "Kernels"]),
        tests("LinearAlgebraTests", uses: ["LinearAlgebra", "Tensors"]),
        tests("StatisticsTests", uses: ["Statistics", "LinearAlgebra", "Kernels"]),
        tests("NeuralNetworksTests", uses: ["NeuralNetworks", "Checkpoints"]),
        tests("DrawingTests", uses: ["Drawing"]),
        tests("ElectrocardiographyTests", uses: ["Electrocardiography", "Checkpoints"]),
        tests(
            "ClinicalParametersTests",
            uses: ["ClinicalParameters", "Electrocardiography", "Kernels", "Runtime"]),
        tests("ConfigurationsTests", uses: ["Configurations", "Runtime"]),
        tests("RunsTests", uses: ["Runs", "Configurations", "Runtime", "Checkpoints"]),
        tests("PretrainingTests", uses: methodRooms + ["Pretraining", "Checkpoints"]),
        tests("TransportTests", uses: ["Transport", "Runtime"]),
        tests("CollectivesTests", uses: ["Collectives", "Transport", "Runtime", "Tensors"]),
        tests("CheckpointsTests", uses: ["Checkpoints", "Tensors", "Runtime"]),
        tests("ClusterTests", uses: clusterRooms + ["Cluster"]),
        tests("TrainingTests", uses: trainingRooms + ["Training"]),
        tests("EvaluationSchemaTests", uses: ["EvaluationSchema", "Runtime"]),
        tests(
            "EvaluationTests",
            uses: evaluationRooms + ["Training", "EvaluationSchema", "Evaluation"]),
        tests("CommandLineInterfaceTests", uses: ["CommandLineInterface", "Runtime"]),
        tests("DiagnosisTests", uses: ["Diagnosis", "Configurations", "Runtime"]),
        tests(
            "ReportingTests",
            uses: ["Reporting", "EvaluationSchema", "Runs", "Configurations", "Runtime"]),
        tests("WorkflowsTests", uses: workflowRooms + ["Workflows"]),
        tests("LaunchingTests", uses: ["Launching", "CommandLineInterface", "Runtime"]),
        tests("EndToEndTests", uses: ["Runtime", "Checkpoints", "Launching", "Tensors"]),
        tests("HouseTests", uses: ["BuildStamp"]),
    ]
)
