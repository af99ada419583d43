namespace Raijin.Cli;

/// <summary>The tasks that come with the tool, told to the same framework that users' programs are made with.</summary>
static class BuiltInTasks
{
    /// <summary>The tool.</summary>
    public static RaijinApp App() => RaijinApp.Create("raijin", "Trains, resumes, evaluates and inspects deep-learning models in .NET")
        .Task<DigitClassifier, DigitsData>("digits", task => task
            .Summary("8 × 8 handwritten digits (embedded), a small multilayer perceptron")
            .Defaults(new TrainerOptions { MaxEpochs = 20 })
            .Defaults(new AdamWOptions { LearningRate = 1e-2 })
            .Defaults(new WarmupCosineOptions())
            .Link("trainer.seed", "data.seed"))
        .Task<MnistClassifier, MnistData>("mnist", task => task
            .Summary("28 × 28 handwritten digits (or Fashion-MNIST) from a folder of idx files")
            .Defaults(new TrainerOptions { MaxEpochs = 5 })
            .Defaults(new AdamWOptions { LearningRate = 3e-3 })
            .Defaults(new WarmupCosineOptions())
            .Defaults(new MnistPerceptron())
            .ShortForm("--data", "DIR", "data.folder", "Folder of the idx files, gzipped or not")
            .Link("trainer.seed", "data.seed"));
}
