using System.Buffers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Tests.Records;

public class TextGrammarTests
{
    [Theory]
    [InlineData("""name:"plain" """, "plain")]
    [InlineData("""name:"" """, "")]
    [InlineData("""name:'single "quotes"'""", "single \"quotes\"")]
    [InlineData("""name:"\n\r\t\"\\\'\a\b\f\v\?" """, "\n\r\t\"\\'\a\b\f\v?")]
    [InlineData("""name:"\101\60\7z\377" """, "A0\az\u00ff")]
    [InlineData("""name:"\x41\xfZ\X4a" """, "A\u000fZJ")]
    [InlineData("""name:"a" 'b'  "c" """, "abc")]
    [InlineData("name:\"\u0001\u00fe raw\"", "\u0001\u00fe raw")]
    public void Strings_are_unquoted_byte_by_byte(string text, string latin1)
    {
        var repo = V1_4.Repo.Parser.ParseFrom(Transcode(V1_4.Repo.Descriptor, text));

        Assert.Equal(Encoding.Latin1.GetBytes(latin1), repo.Name.ToByteArray());
    }

    [Theory]
    [InlineData("""name:"\u00e9" """, "é")]
    [InlineData("""name:"\U0001F680" """, "🚀")]
    [InlineData("""name:"\ud800" """, "\ufffd")]
    public void Code_points_are_written_as_utf8(string text, string expected)
    {
        var repo = V1_4.Repo.Parser.ParseFrom(Transcode(V1_4.Repo.Descriptor, text));

        Assert.Equal(expected, repo.Name.ToStringUtf8());
    }

    [Theory]
    [InlineData("repo:<name:\"r\" > id:\"c\" ")]
    [InlineData("repo{name:\"r\"}id:\"c\"")]
    [InlineData("repo : < name : \"r\" >\n\tid\r\n:\"c\"\n")]
    [InlineData("id:\"c\"; repo <name:\"r\",>,")]
    public void All_spellings_of_a_message_give_the_same_bytes(string text)
    {
        var expected = new V1_4.Commit { Repo = new V1_4.Repo { Name = Utf8("r") }, Id = Utf8("c") };

        Assert.Equal(expected.ToByteArray(), Transcode(V1_4.Commit.Descriptor, text));
    }

    [Theory]
    [InlineData("seconds:-0x10 nanos:017", -16, 15)]
    [InlineData("seconds:+9223372036854775807 nanos:-2147483648", long.MaxValue, int.MinValue)]
    [InlineData("seconds:-9223372036854775808 nanos:2147483647", long.MinValue, int.MaxValue)]
    [InlineData("seconds:0 nanos:00", 0, 0)]
    public void Integers_are_read_in_three_radixes(string text, long seconds, int nanos)
    {
        var time = Google.Protobuf.WellKnownTypes.Timestamp.Parser.ParseFrom(
            Transcode(Google.Protobuf.WellKnownTypes.Timestamp.Descriptor, text));

        Assert.Equal(seconds, time.Seconds);
        Assert.Equal(nanos, time.Nanos);
    }

    [Theory]
    [InlineData("0.5", 0.5)]
    [InlineData("1e+21", 1e21)]
    [InlineData("-2.5f", -2.5)]
    [InlineData("inf", double.PositiveInfinity)]
    [InlineData("-inf", double.NegativeInfinity)]
    [InlineData("nan", double.NaN)]
    [InlineData("1.7976931348623157e+308", double.MaxValue)]
    [InlineData("5e-324", double.Epsilon)]
    public void Doubles_are_read_as_go_writes_them(string number, double expected)
    {
        var spec = V1_4.ParallelismSpec.Parser.ParseFrom(Transcode(V1_4.ParallelismSpec.Descriptor, $"coefficient:{number} "));

        Assert.Equal(expected, spec.Coefficient);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("True", true)]
    [InlineData("t", true)]
    [InlineData("1", true)]
    [InlineData("false", false)]
    [InlineData("False", false)]
    [InlineData("f", false)]
    [InlineData("0", false)]
    public void Booleans_are_read_in_all_of_gos_spellings(string word, bool expected)
    {
        var input = V1_4.AtomInput.Parser.ParseFrom(Transcode(V1_4.AtomInput.Descriptor, $"lazy:{word}"));

        Assert.Equal(expected, input.Lazy);
    }

    [Theory]
    [InlineData("state:JOB_STOPPED ", 4)]
    [InlineData("state:4 ", 4)]
    [InlineData("state:0x63 ", 99)]
    [InlineData("state:-1 ", -1)]
    public void Enumerations_are_read_by_name_or_number(string text, int expected)
    {
        var job = V1_4.JobInfo.Parser.ParseFrom(Transcode(V1_4.JobInfo.Descriptor, text));

        Assert.Equal(expected, (int)job.State);
    }

    [Theory]
    [InlineData("accept_return_code:1 accept_return_code:-1 accept_return_code:0 ")]
    [InlineData("accept_return_code:[1,-1, 0 ]")]
    [InlineData("accept_return_code:1 image:\"\" accept_return_code:[-1] debug:false accept_return_code:0 ")]
    public void Packed_fields_become_one_block_however_they_are_repeated(string text)
    {
        var expected = new V1_4.Transform { AcceptReturnCode = { 1, -1, 0 } };

        Assert.Equal(expected.ToByteArray(), Transcode(V1_4.Transform.Descriptor, text));
    }

    [Fact]
    public void A_packed_block_may_grow_beyond_every_size_of_its_length()
    {
        var values = Enumerable.Range(0, 20_000).Select(static i => (long)i * i * i - 5).ToArray();
        string text = string.Join(' ', values.Select(static v => $"accept_return_code:{v}"));

        Assert.Equal(new V1_4.Transform { AcceptReturnCode = { values } }.ToByteArray(), Transcode(V1_4.Transform.Descriptor, text));
    }

    [Fact]
    public void Fields_are_written_in_ascending_number_and_keep_their_order_among_themselves()
    {
        var alternating = string.Concat(Enumerable.Range(0, 300).Select(static i => $"stdin:\"s{i}\" cmd:\"c{i}\" "));
        var expected = new V1_4.Transform();
        expected.Cmd.Add(Enumerable.Range(0, 300).Select(static i => Utf8($"c{i}")));
        expected.Stdin.Add(Enumerable.Range(0, 300).Select(static i => Utf8($"s{i}")));

        Assert.Equal(expected.ToByteArray(), Transcode(V1_4.Transform.Descriptor, alternating));
    }

    [Theory]
    [InlineData("job_counts:<key:3 value:1 > ", 3, 1)]
    [InlineData("job_counts:<value:1 key:3 > ", 3, 1)]
    [InlineData("job_counts:<value:1 > ", 0, 1)]
    [InlineData("job_counts{}", 0, 0)]
    public void Both_fields_of_a_map_entry_are_always_written_key_first(string text, int key, int value)
    {
        byte[] expected = [0x4a, 4, 8, (byte)key, 16, (byte)value];

        Assert.Equal(expected, Transcode(V1_4.PipelineInfo.Descriptor, text));
    }

    [Fact]
    public void Scalars_that_equal_their_default_are_left_out()
    {
        string text = """name:"" commit:<repo:<> id:""> lazy:false glob:"" """;

        var expected = new V1_4.JobInput { Commit = new V1_4.Commit { Repo = new V1_4.Repo() } };

        Assert.Equal(expected.ToByteArray(), Transcode(V1_4.JobInput.Descriptor, text));
    }

    [Fact]
    public void A_garbage_collection_policy_may_hold_anything()
    {
        string text = """
            version:1 gc_policy:<success:<seconds:86400 > other:"x\"" more:<deep:[1, 2], deeper:{}> last:WORD; failure<nanos:1>>
            stopped:true
            """;

        var pipeline = V1_4.PipelineInfo.Parser.ParseFrom(Transcode(V1_4.PipelineInfo.Descriptor, text));

        Assert.Equal(86400, pipeline.GcPolicy.Success.Seconds);
        Assert.Equal(1, pipeline.GcPolicy.Failure.Nanos);
        Assert.True(pipeline.Stopped);
    }

    [Fact]
    public void The_leftovers_of_early_1_4_jobs_are_understood()
    {
        string text = """job:<id:"j" > inputs:<name:"in" commit:<repo:<name:"r" > id:"c" > glob:"/*" > error:"boom" """;

        var job = V1_4.JobInfo.Parser.ParseFrom(Transcode(V1_4.JobInfo.Descriptor, text));

        Assert.Equal("boom", job.Error.ToStringUtf8());
        Assert.Equal("in", Assert.Single(job.Inputs).Name.ToStringUtf8());
        Assert.Equal(0ul, job.Restart);
    }

    [Theory]
    [InlineData("nonsense:1", 0, "", TextErrorReason.UnknownField)]
    [InlineData("job:<ID:\"x\">", 5, "job", TextErrorReason.UnknownField)]
    [InlineData("restart:1 restart:2", 10, "", TextErrorReason.AlreadySet)]
    [InlineData("job:<> job:<>", 7, "", TextErrorReason.AlreadySet)]
    [InlineData("restart 1", 8, "restart", TextErrorReason.ExpectedColon)]
    [InlineData("job:1", 4, "job", TextErrorReason.ExpectedMessage)]
    [InlineData("job", 3, "job", TextErrorReason.ExpectedValue)]
    [InlineData("job:<id:x>", 8, "job.id", TextErrorReason.ExpectedString)]
    [InlineData("restart:", 8, "restart", TextErrorReason.ExpectedValue)]
    [InlineData("restart:>", 8, "restart", TextErrorReason.ExpectedValue)]
    [InlineData("restart:\"1\"", 8, "restart", TextErrorReason.ExpectedValue)]
    [InlineData("job:<id:\"x>", 8, "job.id", TextErrorReason.UnterminatedString)]
    [InlineData("job:<id:\"x\n\">", 8, "job.id", TextErrorReason.UnterminatedString)]
    [InlineData("job:<id:\"x\\", 8, "job.id", TextErrorReason.UnterminatedString)]
    [InlineData("job:<id:\"x\"", 11, "job", TextErrorReason.UnterminatedMessage)]
    [InlineData("job:<id:\"x\"}", 11, "job", TextErrorReason.UnexpectedByte)]
    [InlineData("transform:<env:<key:\"\\q\">>", 21, "transform.env.key", TextErrorReason.BadEscape)]
    [InlineData("job:<id:\"\\400\">", 9, "job.id", TextErrorReason.BadEscape)]
    [InlineData("job:<id:\"\\x\">", 9, "job.id", TextErrorReason.BadEscape)]
    [InlineData("job:<id:\"\\u12\">", 9, "job.id", TextErrorReason.BadEscape)]
    [InlineData("job:<id:\"\\U00110000\">", 9, "job.id", TextErrorReason.BadEscape)]
    [InlineData("state:JOB_KILLED", 6, "state", TextErrorReason.BadEnum)]
    [InlineData("state:2147483648", 6, "state", TextErrorReason.NumberOutOfRange)]
    [InlineData("stopped:yes", 8, "stopped", TextErrorReason.BadBool)]
    [InlineData("restart:0x", 8, "restart", TextErrorReason.BadNumber)]
    [InlineData("restart:09", 8, "restart", TextErrorReason.BadNumber)]
    [InlineData("restart:1.0", 8, "restart", TextErrorReason.BadNumber)]
    [InlineData("restart:-1", 8, "restart", TextErrorReason.BadNumber)]
    [InlineData("restart:18446744073709551616", 8, "restart", TextErrorReason.NumberOutOfRange)]
    [InlineData("data_total:9223372036854775808", 11, "data_total", TextErrorReason.NumberOutOfRange)]
    [InlineData("data_total:-9223372036854775809", 11, "data_total", TextErrorReason.NumberOutOfRange)]
    [InlineData("service:<internal_port:2147483648>", 23, "service.internal_port", TextErrorReason.NumberOutOfRange)]
    [InlineData("resource_spec:<cpu:1e40>", 19, "resource_spec.cpu", TextErrorReason.NumberOutOfRange)]
    [InlineData("parallelism_spec:<coefficient:1e400>", 30, "parallelism_spec.coefficient", TextErrorReason.NumberOutOfRange)]
    [InlineData("parallelism_spec:<coefficient:-+1>", 30, "parallelism_spec.coefficient", TextErrorReason.BadNumber)]
    [InlineData("inputs:[<> <>]", 11, "inputs", TextErrorReason.ExpectedListEnd)]
    [InlineData("inputs:[]", 8, "inputs", TextErrorReason.ExpectedMessage)]
    [InlineData("inputs:[<>,", 11, "inputs", TextErrorReason.ExpectedMessage)]
    [InlineData("restart:1 >", 10, "", TextErrorReason.UnexpectedByte)]
    [InlineData("restart:1 # comment", 10, "", TextErrorReason.UnexpectedByte)]
    [InlineData("[pachyderm.ext]:1", 0, "", TextErrorReason.UnexpectedByte)]
    [InlineData("restart:1 \0", 10, "", TextErrorReason.UnexpectedByte)]
    public void What_is_wrong_is_told_with_its_place(string text, int offset, string path, TextErrorReason reason)
    {
        var output = new ArrayBufferWriter<byte>();

        bool valid = ProtoTextTranscoder.For(V1_4.JobInfo.Descriptor).TryTranscode(Encoding.UTF8.GetBytes(text), output, out var error);

        Assert.False(valid);
        Assert.Equal(new TextError(offset, path, reason), error);
        Assert.Equal(0, output.WrittenCount);
        Assert.Contains($"byte {offset}", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    [InlineData(200_000, false)]
    public void Nesting_is_bounded(int depth, bool expected)
    {
        byte[] text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("cross:<", depth)) + new string('>', depth));

        bool valid = ProtoTextTranscoder.For(V1_4.Input.Descriptor).IsValid(text, out var error);

        Assert.Equal(expected, valid);
        Assert.Equal(expected ? TextErrorReason.None : TextErrorReason.TooDeep, error.Reason);
    }

    [Fact]
    public void Nesting_is_bounded_where_content_is_read_over()
    {
        byte[] text = Encoding.ASCII.GetBytes("gc_policy:<" + string.Concat(Enumerable.Repeat("a:<", 200_000)));

        Assert.False(ProtoTextTranscoder.For(V1_4.PipelineInfo.Descriptor).IsValid(text, out var error));
        Assert.Equal(TextErrorReason.TooDeep, error.Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t ")]
    public void Nothing_is_a_message_without_fields(string text)
    {
        Assert.Empty(Transcode(V1_4.JobInfo.Descriptor, text));
    }

    [Fact]
    public void A_text_that_is_not_valid_is_reported_with_its_key()
    {
        var transcoder = ProtoTextTranscoder.For(V1_4.JobInfo.Descriptor);

        var error = Assert.Throws<Errors.CorruptionException>(() => transcoder.Transcode("job:<"u8, "jobs/j1"));

        Assert.Equal("record-not-text", error.Id);
        Assert.StartsWith(
            "jobs/j1: the value is not a JobInfo of 1.4 in text form (byte 5, in job: the text ends inside",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Transcoding_allocates_nothing_once_it_is_warm()
    {
        var transcoder = ProtoTextTranscoder.For(V1_4.CommitInfo.Descriptor);
        byte[] text = "commit:<repo:<name:\"r\" > id:\"c\" > started:<seconds:1 nanos:2 > provenance:<id:\"\\303\\251\" > "u8.ToArray();
        var output = new ArrayBufferWriter<byte>(1 << 16);
        Assert.True(transcoder.TryTranscode(text, output, out _));

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            output.ResetWrittenCount();
            transcoder.TryTranscode(text, output, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static byte[] Transcode(MessageDescriptor descriptor, string text) =>
        ProtoTextTranscoder.For(descriptor).Transcode(Encoding.Latin1.GetBytes(text), "the record");

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
