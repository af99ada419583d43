using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Tables;

public sealed class TabularEncoderTests : IDisposable
{
    static readonly Table Houses = new(
        new NumberColumn("area", [10, 20, 30, double.NaN, 1000]),
        new IntegerColumn("zip", [5, 12, 5, 5, 99]),
        new TextColumn("city", ["Rome", "Oslo", "Rome", null, "Bern"]),
        new NumberColumn("price", [1.5, 2, 2.5, 3, 3.5]),
        new TextColumn("kind", ["flat", "house", "flat", "house", "flat"]));

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    static readonly TabularOptions Filled = new() { Missing = MissingValues.Fill, Categorical = ["zip"] };

    [Fact]
    public void Numbers_are_standardised_and_categories_coded_by_the_rows_to_train_on()
    {
        var encoder = TabularEncoder.Fit(Houses, ["area", "zip", "city"], Target.Value("price"), Filled, rows: [0, 1, 2, 3]);
        using var scope = TensorScope.Open();
        using var set = encoder.Encode(Houses);
        var batch = set.All();
        // Mean 20 and deviation √(200/3) of 10, 20 and 30; row 4 has no part in it.
        var unit = (float)(10 / Math.Sqrt(200.0 / 3));
        Assert.Equal([-unit, 1, 2, 0, 2, 1, unit, 1, 2, 0, 1, 0, 98 * unit, 0, 0], batch.Inputs.data<float>().ToArray(), (a, b) => Math.Abs(a - b) <= 1e-5f * Math.Abs(b));
        Assert.Equal([1.5f, 2, 2.5f, 3, 3.5f], batch.Labels.data<float>().ToArray());
        Assert.Equal(["area", "zip", "city"], encoder.Inputs);
        Assert.Equal(3, encoder.NumCodes("city"));
        Assert.Throws<KeyNotFoundException>(() => encoder.NumCodes("area"));
    }

    [Fact]
    public void One_hot_inputs_and_flags_are_named()
    {
        var encoder = TabularEncoder.Fit(Houses, ["city", "area"], Target.Class("kind"), new() { Missing = MissingValues.FillAndFlag, Categories = CategoryForm.OneHot, Standardize = false }, rows: [0, 1, 3]);
        using var scope = TensorScope.Open();
        using var set = encoder.Encode(Houses);
        Assert.Equal(["city unknown", "city = Oslo", "city = Rome", "area", "area missing"], encoder.Inputs);
        Assert.Equal([0, 0, 1, 10, 0, 0, 1, 0, 20, 0, 0, 0, 1, 30, 0, 1, 0, 0, 15, 1, 1, 0, 0, 1000, 0], set.All().Inputs.data<float>().ToArray());
        Assert.Equal(["flat", "house"], encoder.Classes!);
        Assert.Equal([0, 1, 0, 1, 0], set.All().Labels.data<long>().ToArray());
    }

    [Fact]
    public void Parts_are_fitted_on_the_training_rows_alone()
    {
        var area = Enumerable.Range(0, 200).Select(i => i * i / 7.0).ToArray();
        var table = new Table(new NumberColumn("x", area), new IntegerColumn("y", [.. Enumerable.Range(0, 200).Select(i => 3L + i % 4)]));
        using var scope = TensorScope.Open();
        var data = table.Tabular(["x"], Target.Class("y"), validation: 0.25, test: 0.1, seed: 5);
        using var train = data.Splits.Train;
        var inputs = train.All().Inputs.to(ScalarType.Float64);
        Assert.InRange(Math.Abs(inputs.mean().item<double>()), 0, 1e-6);
        Assert.InRange(inputs.std(unbiased: false).item<double>(), 1 - 1e-6, 1 + 1e-6);
        Assert.Equal((130, 50, 20), (train.Count, data.Splits.Validation!.Count, data.Splits.Test!.Count));
        Assert.Equal(["3", "4", "5", "6"], data.Encoder.Classes!);
    }

    [Fact]
    public void What_is_saved_encodes_the_same()
    {
        var encoder = TabularEncoder.Fit(Houses, ["area", "zip", "city"], Target.Class("kind"), Filled);
        encoder.Save(_folder["encoder.json"]);
        var loaded = TabularEncoder.Load(_folder["encoder.json"]);
        using var scope = TensorScope.Open();
        using var expected = encoder.Encode(Houses);
        using var actual = loaded.Encode(Houses);
        Assert.Equal(expected.All().Inputs.data<float>().ToArray(), actual.All().Inputs.data<float>().ToArray());
        Assert.Equal(encoder.Inputs, loaded.Inputs);
        using var unlabelled = loaded.EncodeInputs(new Table(new NumberColumn("area", [20]), new IntegerColumn("zip", [7]), new TextColumn("city", ["Rome"])));
        // Zip 7 is unknown; Bern, Oslo, Rome have the codes 1 to 3.
        Assert.Equal([0, 3], unlabelled.All().Inputs.data<float>().ToArray()[1..]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"version\":9,\"missing\":\"Fill\",\"categories\":\"Codes\",\"features\":[],\"target\":{\"column\":\"a\",\"type\":\"Text\",\"classes\":null}}")]
    [InlineData("{\"version\":1,\"missing\":\"Fill\",\"categories\":\"Codes\",\"features\":[{\"column\":\"a\",\"type\":\"Number\",\"mean\":0,\"scale\":0,\"fill\":0,\"vocabulary\":null}],\"target\":{\"column\":\"a\",\"type\":\"Text\",\"classes\":null}}")]
    public void A_file_that_holds_no_encoder_is_refused(string text)
    {
        File.WriteAllText(_folder["bad.json"], text);
        Assert.Contains("does not hold a tabular encoder", Assert.Throws<InvalidDataException>(() => TabularEncoder.Load(_folder["bad.json"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_or_new_is_named_by_column_and_row()
    {
        var strict = TabularEncoder.Fit(Houses, ["area"], Target.Value("price"));
        Assert.Equal("Column \"area\" has no value at row 3. Mend the data, or choose TabularOptions.Missing.", Assert.Throws<InvalidDataException>(() => strict.Encode(Houses)).Message);
        var few = TabularEncoder.Fit(Houses, ["zip"], Target.Class("kind"), rows: [0, 2]);
        Assert.StartsWith("The target \"kind\" is \"house\" at row 1, a class that the training part does not have.", Assert.Throws<InvalidDataException>(() => few.Encode(Houses)).Message, StringComparison.Ordinal);
        var city = TabularEncoder.Fit(Houses, ["zip"], Target.Class("city"));
        Assert.StartsWith("The target \"city\" has no value at row 3", Assert.Throws<InvalidDataException>(() => city.Encode(Houses)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_that_do_not_fit_are_named_together()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => TabularEncoder.Fit(Houses, ["area", "rooms", "price", "area"], Target.Class("price"), new() { Categorical = ["area", "zip"] }));
        Assert.Equal(["tabular.features", "tabular.features", "tabular.features", "tabular.categorical", "tabular.categorical", "tabular.target"], error.Faults.Select(fault => fault.Key));
        Assert.Contains("names \"rooms\", but the table has area, zip, city, price, kind", error.Message, StringComparison.Ordinal);
        var encoder = TabularEncoder.Fit(Houses, ["zip", "city"], Target.Value("price"));
        var other = Assert.Throws<InvalidOptionsException>(() => encoder.EncodeInputs(new Table(new TextColumn("zip", ["1"]))));
        Assert.Contains("was fitted on \"zip\" as Integer, but it is Text here", other.Message, StringComparison.Ordinal);
        Assert.Contains("needs \"city\", but the table has zip", other.Message, StringComparison.Ordinal);
    }
}
