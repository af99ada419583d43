using Raijin.Data.Tests.Loading;

namespace Raijin.Data.Tests.Modules;

public sealed class DataModuleTests
{
    [Fact]
    public void A_module_of_loaders_hands_them_out()
    {
        using var set = Read.Numbered(10);
        var data = set.Split(0.2, 0.2).Batches(2);
        var module = DataModule.Of(data, predict: data.Test!.Only);
        module.Prepare(TestContext.Current.CancellationToken);
        module.Setup(RunStage.Fit);
        Assert.Same(data.Train, module.TrainLoader());
        Assert.Same(data.Validation, module.ValidationLoaders());
        Assert.Same(data.Test, module.TestLoaders());
        Assert.Same(data.Test.Only, module.PredictLoaders()!.Only);
        Assert.Null(module.SaveState());
        module.Teardown(RunStage.Fit);
    }

    [Fact]
    public void A_module_that_overrides_nothing_has_no_loaders()
    {
        var module = new Nothing();
        Assert.Null(module.TrainLoader());
        Assert.Null(module.ValidationLoaders());
        Assert.Null(module.TestLoaders());
        Assert.Null(module.PredictLoaders());
    }

    sealed class Nothing : DataModule<LabeledBatch>;
}
