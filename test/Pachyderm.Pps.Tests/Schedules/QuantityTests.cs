using CsCheck;
using Pachyderm.Pps.Schedules;

namespace Pachyderm.Pps.Tests.Schedules;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("64M", 64_000_000, 64_000_000_000)]
    [InlineData("1Gi", 1_073_741_824, 1_073_741_824_000)]
    [InlineData("0.5", 1, 500)]
    [InlineData("500m", 1, 500)]
    [InlineData("-500m", -1, -500)]
    [InlineData("1n", 1, 1)]
    [InlineData("2e3", 2000, 2_000_000)]
    [InlineData("2E3", 2000, 2_000_000)]
    [InlineData("5E", 5_000_000_000_000_000_000, long.MaxValue)]
    [InlineData("15e-1", 2, 1500)]
    [InlineData("1.5Ki", 1536, 1_536_000)]
    [InlineData("100E", long.MaxValue, long.MaxValue)]
    [InlineData("1e999999999", long.MaxValue, long.MaxValue)]
    [InlineData("1e-999999999", 1, 1)]
    [InlineData(".5k", 500, 500_000)]
    [InlineData("1.", 1, 1000)]
    [InlineData("+1u", 1, 1)]
    [InlineData("0", 0, 0)]
    public void A_quantity_is_read(string text, long value, long milli)
    {
        Assert.True(Quantity.TryParse(text, out Quantity quantity, out string? problem), problem);
        Assert.Equal((value, milli), (quantity.Value, quantity.MilliValue));
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("1.2.3")]
    [InlineData("1 M")]
    [InlineData("1MM")]
    [InlineData("1mi")]
    [InlineData("1 ")]
    [InlineData("1e")]
    [InlineData("0x10")]
    [InlineData("--1")]
    [InlineData("1K")]
    [InlineData("\u0661")]
    public void What_is_no_quantity_is_refused(string text)
    {
        Assert.False(Quantity.TryParse(text, out _, out string? problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void A_quantity_is_written_so_that_it_is_read_again() => Gen.Select(Gen.Long, Gen.Int[0, 9]).Sample((digits, decimals) =>
    {
        Quantity quantity = Read($"{digits}e-{decimals}");
        return Read(quantity.ToString()) == quantity;
    });

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Gen.String[Gen.OneOf(Gen.Char["0123456789.+-eEinumkKMGTP"], Gen.Char), 0, 80].Sample(text => { _ = Quantity.TryParse(text, out _, out _); });

    private static Quantity Read(string text)
    {
        Assert.True(Quantity.TryParse(text, out Quantity quantity, out string? problem), $"{text}: {problem}");
        return quantity;
    }
}
