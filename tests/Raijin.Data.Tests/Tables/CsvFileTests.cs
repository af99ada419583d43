using CsCheck;
using Raijin.Testing;

namespace Raijin.Data.Tests.Tables;

public sealed class CsvFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    Table Read(string text, TableOptions? options = null)
    {
        File.WriteAllText(_folder["data.csv"], text);
        return Table.ReadCsv(_folder["data.csv"], options, TestContext.Current.CancellationToken);
    }

    string Fault<TError>(string text, TableOptions? options = null) where TError : Exception =>
        Assert.Throws<TError>(() => Read(text, options)).Message.Replace(_folder["data.csv"], "data.csv", StringComparison.Ordinal);

    [Fact]
    public void Columns_get_the_narrowest_type_that_fits_all_values()
    {
        var table = Read("id,price,city,code,day,empty\n1,2.5,Rome,007,2024-02-29,\n-2,3,\"a, \"\"b\"\"\",12,2024-03-01T12:00:00Z,\n3,NA,,,?,\n");
        Assert.Equal([ColumnType.Integer, ColumnType.Number, ColumnType.Text, ColumnType.Text, ColumnType.Date, ColumnType.Number], table.Columns.Select(column => column.Type));
        Assert.Equal([1, -2, 3], ((IntegerColumn)table["id"]).Values.ToArray());
        Assert.Equal([2.5, 3, double.NaN], ((NumberColumn)table["price"]).Values.ToArray());
        Assert.Equal(["Rome", "a, \"b\"", null], Enumerable.Range(0, 3).Select(table["city"].TextOf));
        Assert.Equal(["007", "12", null], Enumerable.Range(0, 3).Select(table["code"].TextOf));
        Assert.Equal([19782, 19783.5, double.NaN], ((NumberColumn)table["day"]).Values.ToArray());
        Assert.Equal([0, 1, 1, 1, 1, 3], table.Columns.Select(column => column.NumMissing));
    }

    [Fact]
    public void What_is_written_is_read() =>
        Gen.Select(Gen.Long.Array[1, 30], Gen.Double[-1e12, 1e12].Array[30], Gen.String[Gen.Char["abc ,;\"\n\u00e4"], 1, 8].Array[30]).Sample((whole, real, text) =>
        {
            var lines = whole.Select((value, i) => FormattableString.Invariant($"{value},{real[i] + 0.5:R},\"x{text[i].Replace("\"", "\"\"")}\""));
            var table = Read("w,r,t\n" + string.Join('\n', lines));
            Assert.Equal(whole, ((IntegerColumn)table["w"]).Values.ToArray());
            Assert.Equal(real.Take(whole.Length).Select(value => value + 0.5), ((NumberColumn)Read("r\n" + string.Join('\n', whole.Select((_, i) => FormattableString.Invariant($"{real[i] + 0.5:R}"))), Typed("r", ColumnType.Number))["r"]).Values.ToArray());
            Assert.Equal(text.Take(whole.Length).Select(value => "x" + value), Enumerable.Range(0, whole.Length).Select(table["t"].TextOf));
        }, iter: 60, threads: 1);

    [Fact]
    public void Columns_are_chosen_typed_and_separated_as_told()
    {
        var table = Read("1;x;2\n3;y;4\n", new() { HasHeader = false, Only = ["column3", "column1"], Types = new Dictionary<string, ColumnType> { ["column1"] = ColumnType.Text } });
        Assert.Equal(["column3", "column1"], table.Columns.Select(column => column.Name));
        Assert.Equal([ColumnType.Integer, ColumnType.Text], table.Columns.Select(column => column.Type));
        Assert.Equal(2, Read("a|b\n1|2\n\n", new() { Separator = '|' })["b"] is IntegerColumn b ? b.Values[0] : 0);
    }

    [Fact]
    public void A_bad_value_is_named_by_line_and_column()
    {
        Assert.Equal("data.csv line 3, column 2 (\"age\"): \"old\" is not a finite number such as 1234.5. Mend it, count it among TableOptions.Missing, or read the column as Text.",
            Fault<InvalidDataException>("name,age\nA,1\nB,old\n", Typed("age", ColumnType.Number)));
        Assert.Contains("line 2, column 1 (\"n\"): \"1.5\" is not a whole number", Fault<InvalidDataException>("n,m\n1.5,1\n", Typed("n", ColumnType.Integer)), StringComparison.Ordinal);
        Assert.Contains("\"2024-02-30\" is not a date such as", Fault<InvalidDataException>("d,e\n2024-02-30,1\n", Typed("d", ColumnType.Date)), StringComparison.Ordinal);
        Assert.Contains("\"Infinity\" is not a finite number", Fault<InvalidDataException>("n,m\nInfinity,1\n", Typed("n", ColumnType.Number)), StringComparison.Ordinal);
        Assert.Contains("line 5, column 2", Fault<InvalidDataException>("t,n\n\"two\nlines\",1\nx,1\nx,bad\n", Typed("n", ColumnType.Integer)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_ragged_row_is_named_by_line()
    {
        Assert.Equal("data.csv line 3: 3 values, but there are 2 columns. Is a separator or a quote missing, or one too many?", Fault<InvalidDataException>("a,b\n1,2\n1,2,3\n"));
        Assert.Contains("line 2: 1 values, but there are 2 columns", Fault<InvalidDataException>("a,b\n1\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_that_cannot_name_columns_are_refused()
    {
        Assert.Contains("columns 1 and 3 are both named \"a\"", Fault<InvalidDataException>("a,b,a\n1,2,3\n"), StringComparison.Ordinal);
        Assert.Contains("column 2 has no name", Fault<InvalidDataException>("a,,c\n1,2,3\n"), StringComparison.Ordinal);
        Assert.Contains("is empty", Fault<InvalidDataException>(""), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_columns_are_named_together()
    {
        var message = Fault<InvalidOptionsException>("a,b\n1,2\n", Typed("x", ColumnType.Text) with { Only = ["a", "c"] });
        Assert.Equal("2 problems in the options:\n  table.only     names \"c\", but data.csv has a, b\n  table.types    names \"x\", but data.csv has a, b", message);
        var table = Read("a,b\n1,2\n");
        Assert.Contains("There is no column \"z\"; there are: a, b.", Assert.Throws<KeyNotFoundException>(() => table["z"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_are_bounded()
    {
        Assert.Contains("data.csv line 4: the file has more than 2 rows", Fault<InvalidDataException>("a\n1\n2\n3\n", new() { MaxRows = 2, Separator = ',' }), StringComparison.Ordinal);
        Assert.Contains("line 4, column 1 (\"a\"): is one different text more than the 2", Fault<InvalidDataException>("a,b\nx,1\ny,1\nz,1\n", new() { MaxDistinct = 2 }), StringComparison.Ordinal);
        Assert.Contains("line 2, column 1 (\"a\"): has 5 characters; at most 4", Fault<InvalidDataException>("a,b\nabcde,1\n", new() { MaxTextLength = 4 }), StringComparison.Ordinal);
        Assert.Equal(3, Assert.Throws<InvalidOptionsException>(() => Read("a\n1\n", new() { Only = [], Separator = '"', MaxRows = 0 })).Faults.Count);
    }

    static TableOptions Typed(string name, ColumnType type) => new() { Types = new Dictionary<string, ColumnType> { [name] = type }, Separator = ',' };
}
