using Parquet;
using Parquet.Schema;
using Raijin.Testing;

namespace Raijin.Data.Tests.Tables;

public sealed class ParquetFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Columns_are_read_over_row_groups_with_what_is_missing()
    {
        await Write();
        var table = Table.ReadParquet(_folder["data.parquet"], cancellationToken: Token);
        Assert.Equal(4, table.Count);
        Assert.Equal([1, 2, 3, 4], ((IntegerColumn)table["id"]).Values.ToArray());
        Assert.Equal([0.5, double.NaN, 1.5, double.NaN], ((NumberColumn)table["price"]).Values.ToArray());
        Assert.Equal(["a", null, "b", "a"], Enumerable.Range(0, 4).Select(table["city"].TextOf));
        Assert.Equal([19782, 19782.5, 19783, 19784], ((NumberColumn)table["day"]).Values.ToArray());
        Assert.Equal(["1", "0", "1", "0"], Enumerable.Range(0, 4).Select(table["flag"].TextOf));
    }

    [Fact]
    public async Task Columns_are_chosen_and_their_types_are_checked()
    {
        await Write();
        var options = new TableOptions { Only = ["id"], Types = new Dictionary<string, ColumnType> { ["id"] = ColumnType.Number } };
        Assert.Equal([1, 2, 3, 4], ((NumberColumn)Assert.Single(Table.ReadParquet(_folder["data.parquet"], options, Token).Columns)).Values.ToArray());
        var wrong = Assert.Throws<InvalidDataException>(() => Table.ReadParquet(_folder["data.parquet"], new() { Types = new Dictionary<string, ColumnType> { ["city"] = ColumnType.Number } }, Token));
        Assert.EndsWith("column \"city\" is Text in the file, but Number is expected. Correct TableOptions.Types.", wrong.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOptionsException>(() => Table.ReadParquet(_folder["data.parquet"], new() { Only = ["none"] }, Token));
        Assert.Contains("has more than 3 rows", Assert.Throws<InvalidDataException>(() => Table.ReadParquet(_folder["data.parquet"], new() { MaxRows = 3 }, Token)).Message, StringComparison.Ordinal);
        Assert.Contains("row 2, column \"city\": is one different text more than the 1", Assert.Throws<InvalidDataException>(() => Table.ReadParquet(_folder["data.parquet"], new() { MaxDistinct = 1 }, Token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damaged_files_are_refused_as_such()
    {
        await Write();
        var bytes = await File.ReadAllBytesAsync(_folder["data.parquet"], Token);
        foreach (var length in new[] { 0, 3, 100, bytes.Length - 1 })
        {
            await File.WriteAllBytesAsync(_folder["cut"], bytes[..length], Token);
            Assert.Contains("cannot be read as Parquet", Assert.Throws<InvalidDataException>(() => Table.ReadParquet(_folder["cut"], cancellationToken: Token)).Message, StringComparison.Ordinal);
        }
        Assert.Throws<FileNotFoundException>(() => Table.ReadParquet(_folder["none"], cancellationToken: Token));
    }

    async Task Write()
    {
        var id = new DataField<int>("id");
        var price = new DataField<double?>("price");
        var city = new DataField("city", typeof(string), isNullable: true);
        var day = new DataField<DateTime>("day");
        var flag = new DataField<bool>("flag");
        await using var file = File.Create(_folder["data.parquet"]);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, price, city, day, flag), file, cancellationToken: Token);
        await Group([1, 2, 3], [0.5, null, 1.5], ["a", null, "b"], [0, 0.5, 1], [true, false, true]);
        await Group([4], [null], ["a"], [2], [false]);

        async Task Group(int[] ids, double?[] prices, string?[] cities, double[] days, bool[] flags)
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync<int>(id, ids.AsMemory());
            await group.WriteAsync<double>(price, prices.AsMemory());
            await group.WriteAsync(city, cities!);
            await group.WriteAsync<DateTime>(day, Array.ConvertAll(days, d => new DateTime(2024, 2, 29, 0, 0, 0, DateTimeKind.Utc).AddDays(d)).AsMemory());
            await group.WriteAsync<bool>(flag, flags.AsMemory());
        }
    }
}
