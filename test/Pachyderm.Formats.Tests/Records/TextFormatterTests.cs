using System.Buffers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Formats.Tests.Records;

public class TextFormatterTests
{
    [Theory]
    [InlineData(GenuineCluster.Small14)]
    [InlineData(GenuineCluster.Dirty14)]
    [InlineData(GenuineCluster.ObjectStore14)]
    public void Every_genuine_text_comes_back_byte_for_byte(string set)
    {
        // Go sorts the entries of maps when it writes text, so that not even they differ.
        foreach (var (record, descriptor) in TranscoderGenuineTests.TextRecords(set))
        {
            byte[] wire = ProtoTextTranscoder.For(descriptor).Transcode(record.Value, record.KeyText);

            byte[] text = ProtoTextFormatter.For(descriptor).Format(wire, record.KeyText);

            Assert.Equal(Encoding.UTF8.GetString(record.Value), Encoding.UTF8.GetString(text));
            Assert.Equal(record.Value, text);
        }
    }

    [Fact]
    public void Strings_are_quoted_byte_by_byte()
    {
        var all = new V1_4.Repo { Name = ByteString.CopyFrom([.. Enumerable.Range(0, 256).Select(static i => (byte)i)]) };

        string text = Encoding.ASCII.GetString(ProtoTextFormatter.Format(all));

        Assert.StartsWith(@"name:""\000\001\002\003\004\005\006\007\010\t\n\013\014\r\016", text, StringComparison.Ordinal);
        Assert.Contains(@" !\""#$%&'()", text, StringComparison.Ordinal);
        Assert.Contains(@"[\\]", text, StringComparison.Ordinal);
        string high = string.Concat(Enumerable.Range(129, 127).Select(static i => "\\" + Convert.ToString(i, 8)));
        Assert.EndsWith(@"}~\177\200" + high + "\" ", text, StringComparison.Ordinal);
        Assert.Equal(all.ToByteArray(), ProtoTextTranscoder.For(V1_4.Repo.Descriptor).Transcode(Encoding.ASCII.GetBytes(text), "all"));
    }

    [Theory]
    [InlineData(0.5, "0.5")]
    [InlineData(100000, "100000")]
    [InlineData(123456.7, "123456.7")]
    [InlineData(1000000, "1e+06")]
    [InlineData(123456789, "1.23456789e+08")]
    [InlineData(-2.5e21, "-2.5e+21")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00012, "0.00012")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1e100, "1e+100")]
    [InlineData(double.Epsilon, "5e-324")]
    [InlineData(double.PositiveInfinity, "inf")]
    [InlineData(double.NegativeInfinity, "-inf")]
    [InlineData(double.NaN, "nan")]
    public void Doubles_are_written_as_go_writes_them(double value, string expected)
    {
        Assert.Equal($"coefficient:{expected} ", Text(new V1_4.ParallelismSpec { Coefficient = value }));
    }

    [Fact]
    public void Floats_are_written_with_the_digits_of_a_float()
    {
        Assert.Equal("cpu:0.1 ", Text(new V1_4.ResourceSpec { Cpu = 0.1f }));
    }

    [Fact]
    public void Map_entries_are_sorted_by_key_and_have_both_fields()
    {
        var pipeline = new V1_4.PipelineInfo();
        foreach (int key in (int[])[10, 2, 0, -1])
        {
            pipeline.JobCounts.Add(new V1_4.PipelineInfo.Types.JobCountsEntry { Key = key });
        }

        var transform = new V1_4.Transform();
        foreach (string key in (string[])["b", "", "a"])
        {
            transform.Env.Add(new V1_4.Transform.Types.EnvEntry { Key = ByteString.CopyFromUtf8(key), Value = ByteString.Empty });
        }

        Assert.Equal(
            "job_counts:<key:-1 value:0 > job_counts:<key:0 value:0 > job_counts:<key:2 value:0 > job_counts:<key:10 value:0 > ",
            Text(pipeline));
        Assert.Equal("""env:<key:"" value:"" > env:<key:"a" value:"" > env:<key:"b" value:"" > """, Text(transform));
    }

    [Fact]
    public void Enumerations_without_a_name_are_written_as_numbers_and_empty_messages_as_brackets()
    {
        var job = new V1_4.JobInfo { Job = new V1_4.Job(), State = (V1_4.JobState)77, Started = new Timestamp(), Stopped = true };

        Assert.Equal("job:<> started:<> state:77 stopped:true ", Text(job));
    }

    [Fact]
    public void Bytes_in_another_order_or_with_repeated_parts_are_read_as_every_reader_does()
    {
        byte[] wire =
        [
            0x12, 1, (byte)'x', 0x12, 1, (byte)'y', // id twice: the last one counts
            0x0a, 0, 0x0a, 3, 0x0a, 1, (byte)'r', // repo in two parts: merged
            0x7a, 1, 0, // a field that is not declared: left out
        ];

        byte[] text = ProtoTextFormatter.For(V1_4.Commit.Descriptor).Format(wire, "x");

        Assert.Equal("""repo:<name:"r" > id:"y" """, Encoding.ASCII.GetString(text));
    }

    [Fact]
    public void Packed_and_unpacked_numbers_are_both_read()
    {
        byte[] wire = [0x30, 1, 0x32, 2, 2, 3];

        Assert.Equal(
            "accept_return_code:1 accept_return_code:2 accept_return_code:3 ",
            Encoding.ASCII.GetString(ProtoTextFormatter.For(V1_4.Transform.Descriptor).Format(wire, "x")));
    }

    [Theory]
    [InlineData("0a")]
    [InlineData("0a05")]
    [InlineData("0801")]
    [InlineData("0b")]
    [InlineData("00")]
    [InlineData("0affffffffffffffffff01")]
    [InlineData("ffffffffffffffffffff7f")]
    public void Bytes_that_are_no_message_are_refused(string hex)
    {
        var output = new ArrayBufferWriter<byte>();
        var formatter = ProtoTextFormatter.For(V1_4.Commit.Descriptor);

        Assert.False(formatter.TryFormat(Convert.FromHexString(hex), output));
        Assert.Equal(0, output.WrittenCount);
        Assert.Throws<Errors.CorruptionException>(() => formatter.Format(Convert.FromHexString(hex), "branch"));
    }

    private static string Text(IMessage message) => Encoding.ASCII.GetString(ProtoTextFormatter.Format(message));
}
