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
        room("Kernels", hot: true),
        room("Tensors", uses: ["Kernels"], hot: true),
        room("LinearAlgebra", uses: ["COpenBLAS", "Kernels", "Tensors"], hot: true),
        room("Statistics", uses: ["Kernels", "LinearAlgebra"], hot: true),
        room("NeuralNetworks", uses: ["Kernels", "Tensors", "LinearAlgebra"], hot: true),
        room("Drawing", uses: ["Runtime"], hot: true),
        room("Electrocardiography", uses: ["Runtime", "Kernels", "Drawing"], hot: true),
        room(
            "ClinicalParameters", uses: ["Runtime", "Kernels", "Drawing", "Electrocardiography"],
            hot: true),
        room("Configurations", uses: ["Runtime"]),
        room("Runs", uses: ["Runtime", "Configurations", "Checkpoints"]),
        room(
            "Pretraining",
            uses: [
                "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
                "Drawing", "Electrocardiography", "ClinicalParameters", "Configurations",
            ], hot: true),
        room("Transport", uses: ["CZlib", "Runtime"], hot: true),
        room("Collectives", uses: ["CSystem", "Runtime", "Transport"], hot: true),
        room("Checkpoints", uses: ["Runtime", "Tensors"], hot: true),
        room(
            "Cluster",
            uses: [
                "Runtime", "Tensors", "Configurations", "Checkpoints", "Runs", "Transport",
                "Collectives",
            ]),
        room(
            "Training",
            uses: [
                "CSystem", "Runtime", "Kernels", "Tensors", "LinearAlgebra", "NeuralNetworks",
                "Electrocardiography", "ClinicalParameters", "Configurations", "Checkpoints",
                "Runs", "Pretraining", "Collectives", "Cluster",
            ], hot: true),
        room("EvaluationSchema", uses: ["Runtime"]),
        room(
            "Evaluation",
            uses: [
                "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
                "Electrocardiography", "ClinicalParameters", "Configurations", "Checkpoints",
                "Runs", "Pretraining", "EvaluationSchema",
            ], hot: true),
        room("CommandLineInterface", uses: ["CSystem", "Runtime"]),
        room("Diagnosis", uses: ["CSystem", "Runtime", "LinearAlgebra"]),
        room(
            "Reporting",
            uses: [
                "Runtime", "Drawing", "Configurations", "Checkpoints", "Runs", "EvaluationSchema",
            ]),
        room(
            "Workflows",
            uses: [
                "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
                "Electrocardiography", "ClinicalParameters", "Configurations", "Checkpoints",
                "Runs", "Pretraining", "Transport", "Collectives", "Training", "EvaluationSchema",
                "Evaluation", "CommandLineInterface", "Diagnosis", "Reporting", "Launching",
            ]),
        room("Launching", uses: ["CSystem", "Runtime", "CommandLineInterface"]),
        program(
            "purkinje",
            uses: [
                "Runtime", "LinearAlgebra", "Electrocardiography", "Configurations", "Checkpoints",
                "Runs", "Pretraining", "Collectives", "Training", "Evaluation",
                "CommandLineInterface", "Launching", "Workflows",
            ]),
        program(
            "purkinje-coordinator",
            uses: [
                "Runtime", "Configurations", "Checkpoints", "Runs", "Transport", "Cluster",
                "CommandLineInterface", "Launching",
            ]),
        program(
            "purkinje-worker",
            uses: [
                "Runtime", "LinearAlgebra", "Electrocardiography", "Configurations", "Runs",
                "Transport", "Cluster", "Training", "CommandLineInterface", "Launching",
            ]),

        .target(
            name: "TestSupport",
            dependencies: [
                "Runtime", "Kernels", "Tensors", "NeuralNetworks", "Transport", "Collectives",
            ],
            path: "Tests/TestSupport",
            swiftSettings: hotSettings),
        tests("RuntimeTests", uses: ["CZlib", "Runtime"]),
        tests("KernelsTests", uses: ["Kernels"]),
        tests("TensorsTests", uses: ["Kernels", "Tensors"]),
        tests("LinearAlgebraTests", uses: ["Kernels", "Tensors", "LinearAlgebra"]),
        tests("StatisticsTests", uses: ["Kernels", "LinearAlgebra", "Statistics"]),
        tests("NeuralNetworksTests", uses: ["Kernels", "Tensors", "NeuralNetworks"]),
        tests("DrawingTests", uses: ["Drawing"]),
        tests(
            "ElectrocardiographyTests",
            uses: ["Runtime", "Kernels", "Electrocardiography", "Checkpoints"]),
        tests("ClinicalParametersTests", uses: ["Runtime", "Kernels", "ClinicalParameters"]),
        tests("ConfigurationsTests", uses: ["Runtime", "Configurations"]),
        tests("RunsTests", uses: ["Runtime", "Configurations", "Checkpoints", "Runs"]),
        tests(
            "PretrainingTests",
            uses: [
                "Kernels", "Tensors", "NeuralNetworks", "Electrocardiography",
                "ClinicalParameters", "Configurations", "Pretraining",
            ]),
        tests("TransportTests", uses: ["Runtime", "Transport"]),
        tests("CollectivesTests", uses: ["Runtime", "Transport", "Collectives"]),
        tests("CheckpointsTests", uses: ["Runtime", "Tensors", "Checkpoints"]),
        tests(
            "ClusterTests",
            uses: [
                "Runtime", "Tensors", "Configurations", "Checkpoints", "Runs", "Transport",
                "Collectives", "Cluster",
            ]),
        tests(
            "TrainingTests",
            uses: [
                "Runtime", "Kernels", "Tensors", "NeuralNetworks", "Electrocardiography",
                "ClinicalParameters", "Configurations", "Checkpoints", "Runs", "Pretraining",
                "Cluster",
                "Training",
            ]),
        tests("EvaluationSchemaTests", uses: ["Runtime", "EvaluationSchema"]),
        tests(
            "EvaluationTests",
            uses: [
                "Runtime", "Kernels", "LinearAlgebra", "Statistics", "NeuralNetworks",
                "Electrocardiography", "ClinicalParameters", "Configurations", "Pretraining",
                "Training", "EvaluationSchema", "Evaluation",
            ]),
        tests("CommandLineInterfaceTests", uses: ["Runtime", "CommandLineInterface"]),
        tests("DiagnosisTests", uses: ["Runtime", "Diagnosis"]),
        tests(
            "ReportingTests",
            uses: ["Runtime", "Configurations", "Runs", "EvaluationSchema", "Reporting"]),
        tests(
            "WorkflowsTests",
            uses: [
                "Runtime", "Tensors", "Statistics", "Electrocardiography", "ClinicalParameters",
                "Configurations", "Checkpoints", "Runs", "Training", "EvaluationSchema",
                "Evaluation", "CommandLineInterface", "Diagnosis", "Reporting", "Launching",
                "Workflows",
            ]),
        tests("LaunchingTests", uses: ["Runtime", "CommandLineInterface", "Launching"]),
        tests("EndToEndTests", uses: ["Runtime", "Tensors", "Checkpoints", "Launching"]),
        tests("HouseTests", uses: ["BuildStamp", "Runtime"]),
    ]
)
