using System.Text;
using CsCheck;
using Pachyderm.Workers.Logs;

namespace Pachyderm.Workers.Tests;

public sealed class LinePumpTests
{
    [Fact]
    public void However_output_is_cut_into_reads_its_lines_are_the_same() =>
        Gen.Select(Gen.Int[0, 3].Select(i => "a\n\u00010"u8[i]).Array[0, 300], Gen.Int[1, 50].Array[1, 20], Gen.Bool)
            .Sample((output, cuts, marked) =>
            {
                string? digits = marked ? EndMark.NewDigits() : null;
                byte[] mark = marked ? Encoding.ASCII.GetBytes($"\u0001{digits}:042:1\n") : [];
                MemoryLog log = new();
                LinePump pump = new(new CutStream([.. output, .. mark], cuts), LogSource.StandardOutput, maxLineBytes: 16);
                EndMark? found = Complete(pump.PumpAsync("d", digits, log, CancellationToken.None));
                Assert.Equal(marked ? new EndMark(42, Soiled: true) : null, found);

                string joined = string.Concat(log.Lines.Select(line => line.Text + (line.Terminated ? "\n" : "")));
                Assert.Equal(Encoding.UTF8.GetString(output), joined);
                Assert.All(log.Lines, line => Assert.True(Encoding.UTF8.GetByteCount(line.Text.Replace('\ufffd', 'x')) <= 16));
                Assert.Equal(output.Count(value => value == '\n'), log.Lines.Count(line => line.Terminated));
            });

    [Fact]
    public void A_mark_of_another_datum_is_output_like_any_other()
    {
        MemoryLog log = new();
        string other = EndMark.NewDigits();
        LinePump pump = new(
            new CutStream(Encoding.ASCII.GetBytes($"\u0001{other}:000:0\n"), [7]), LogSource.StandardError, maxLineBytes: 100);
        Assert.Null(Complete(pump.PumpAsync("d", EndMark.NewDigits(), log, CancellationToken.None)));
        Assert.Equal($"\u0001{other}:000:0", Assert.Single(log.Lines).Text);
    }

    // The stream never waits, and so neither does the pump.
    private static T Complete<T>(Task<T> task)
    {
        Assert.True(task.IsCompletedSuccessfully);
        return task.Result;
    }

    private sealed class CutStream(byte[] content, int[] cuts) : MemoryStream(content)
    {
        private int _reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, cuts[_reads++ % cuts.Length])], cancellationToken);
    }
}
