import Configurations

/// The methods that this build can train, one line each.
public enum MethodCatalogue {
    /// The method that a configuration names.
    public static func method(for configuration: Configuration) -> any PretrainingMethod {
        switch configuration.method {
        case .stMEM: STMEMPretraining(configuration: configuration)
        }
    }
}
