import Configurations

/// The methods that this build can train, one line each.
public enum MethodCatalogue {
    /// The method that a configuration names.
    public static func method(for configuration: Configuration) -> any PretrainingMethod {
        switch configuration.details {
        case .stMEM(let settings): STMEMPretraining(settings, input: configuration.input)
        case .ecgJEPA(let settings):
            ECGJEPAPretraining(settings, input: configuration.input)
        case .vqFull(let settings): VQFullPretraining(settings, of: configuration)
        case .vqFinetune(let settings): VQFinetunePretraining(settings, of: configuration)
        case .hybrid(let settings):
            switch settings.layout {
            case .tokens: HybridPretraining(settings, input: configuration.input)
            case .channels: HybridChannelsPretraining(settings, input: configuration.input)
            }
        case .simCLR(let settings): SimCLR(settings, configuration: configuration)
        case .cmsc(let settings): CMSC(settings, configuration: configuration)
        case .cpc(let settings): CPC(settings, configuration: configuration)
        case .triplet(let settings): TripletRefinement(settings, input: configuration.input)
        case .finetune(let settings): Finetune(settings, of: configuration)
        }
    }
}
