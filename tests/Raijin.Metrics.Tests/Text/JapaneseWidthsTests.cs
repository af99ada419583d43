namespace Raijin.Metrics.Tests.Text;

public sealed class JapaneseWidthsTests
{
    [Theory]
    [InlineData("Ａｚ１！～　￥", "Az1!~ ¥")]
    [InlineData("ｶﾀｶﾅ｡｢｣､･ｰ", "カタカナ。「」、・ー")]
    [InlineData("ｶﾞｳﾞﾊﾟﾊﾞﾜﾞ", "ガヴパバヷ")]
    [InlineData("か\u3099は\u309aん\u3099\u3099", "がぱん\u3099\u3099")]
    [InlineData("漢字 abc 😀", "漢字 abc 😀")]
    public void Widths_and_signs_of_voice_are_unified(string text, string unified) => Assert.Equal(unified, JapaneseWidths.Unify(text));

    [Fact]
    public void Kana_and_widths_become_what_NFKC_makes_of_them()
    {
        var widths = EditRecording.Part("widths");
        Assert.Equal(widths[1].Strings(), widths[0].Strings().Select(JapaneseWidths.Unify));
    }
}
