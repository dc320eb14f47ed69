using System.Buffers;
using System.Text;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Tests.Records;

/// <summary>Whatever the bytes are, they are judged: nothing throws, hangs or writes half a record.</summary>
public class HostileBytesTests
{
    private static readonly MessageDescriptor[] TextTypes =
    [
        V1_4.RepoInfo.Descriptor,
        V1_4.CommitInfo.Descriptor,
        V1_4.Commit.Descriptor,
        V1_4.PipelineInfo.Descriptor,
        V1_4.JobInfo.Descriptor,
    ];

    private static readonly MessageDescriptor[] BinaryTypes =
    [
        V1_5.RepoInfo.Descriptor,
        V1_5.CommitInfo.Descriptor,
        V1_5.Commit.Descriptor,
        V1_5.PipelineInfo.Descriptor,
        V1_5.JobInfo.Descriptor,
        V1_5.HashTreeProto.Descriptor,
        V1_5.ObjectIndex.Descriptor,
        V1_5.PutFileRecords.Descriptor,
        V1_5.ACL.Descriptor,
        V1_5.User.Descriptor,
    ];

    private static readonly RecordCodec[] Codecs =
        [RecordCodec.Repo, RecordCodec.Commit, RecordCodec.Branch, RecordCodec.Pipeline, RecordCodec.Job];

    private static readonly byte[][] GenuineTexts =
        [.. TranscoderGenuineTests.TextRecords(GenuineCluster.Small14).Select(static r => r.Record.Value)];

    private static readonly byte[][] GenuineBinaries =
    [
        .. GenuineCluster.Records(GenuineCluster.Small15)
            .Where(static r => RecordCodec.For(new ClusterKeys().Classify(r.Key)) is not null)
            .Select(static r => r.Value),
    ];

    // Short enough for any damage to hit something that counts.
    private static readonly byte[][] SmallBinaries =
    [
        .. Enumerable.Range(0, 2_000)
            .Select(static seed => RandomMessages.Next(BinaryTypes[seed % BinaryTypes.Length], new Random(seed)).ToByteArray())
            .Where(static wire => wire.Length < 60),
    ];

    // Bytes that mean something on the wire: tags of low numbers, short lengths, the starts of longer numbers.
    private static readonly Gen<byte> WireByte = Gen.OneOf(Pick<byte>(0, 1, 2, 3, 8, 10, 16, 18, 26, 34, 0x80, 0x81, 0x82, 0xff), Gen.Byte);

    private static readonly Gen<byte[]> Soup = Pick(
            "job", "transform", "env", "key", "value", "cmd", "accept_return_code", "input", "cross", "atom", "state",
            "JOB_RUNNING", "job_counts", "gc_policy", "stopped", "true", "restart", "started", "seconds",
            "parallelism_spec", "coefficient", "0.5", "inf", "-1", "017", "0x", "99999999999999999999", ":", ":", ":",
            "<", ">", "<", ">", "{", "}", "[", "]", ",", ";", " ", " ", " ", "\n", "\"", "\"x\"", "'", "\\", "\\n",
            "\\377", "\\u00e9", "\\x", "\0", "#", "/")
        .Array[0, 60].Select(static words => Encoding.Latin1.GetBytes(string.Concat(words)));

    [Fact]
    public void Random_bytes_are_judged() => Gen.Byte.Array[0, 120].Sample(CheckEverything, iter: 20_000);

    [Fact]
    public void Random_words_of_the_grammar_are_judged() => Soup.Sample(CheckEverything, iter: 20_000);

    [Fact]
    public void Damaged_genuine_texts_are_judged() => Damaged(GenuineTexts).Sample(CheckEverything, iter: 4_000);

    [Fact]
    public void Damaged_genuine_binaries_are_judged() => Damaged(GenuineBinaries).Sample(CheckEverything, iter: 4_000);

    [Fact]
    public void Canonical_bytes_are_exactly_those_that_survive_a_parse_and_a_serialization() =>
        Gen.Select(Gen.OneOf(Damaged(SmallBinaries), Damaged(GenuineBinaries), WireByte.Array[0, 12]), Pick(BinaryTypes)).Sample(
            static (wire, type) => Assert.Equal(Survives(type, wire), CanonicalWire.IsCanonical(type, wire)), iter: 30_000);

    [Fact]
    public void Random_messages_of_1_4_come_back_from_text() =>
        Gen.Select(Gen.Int, Pick(TextTypes)).Sample(static (seed, type) =>
        {
            var message = RandomMessages.Next(type, new Random(seed));

            byte[] text = ProtoTextFormatter.Format(message);
            byte[] wire = ProtoTextTranscoder.For(type).Transcode(text, "random");

            Assert.Equal(message.ToByteArray(), wire);
            Assert.Equal(text, ProtoTextFormatter.For(type).Format(wire, "random"));
            Assert.All(text, static b => Assert.InRange(b, 0x20, 0x7e));
        }, iter: 2_000);

    [Fact]
    public void Random_messages_of_1_5_are_canonical() =>
        Gen.Select(Gen.Int, Pick(BinaryTypes)).Sample(static (seed, type) =>
        {
            byte[] wire = RandomMessages.Next(type, new Random(seed)).ToByteArray();

            Assert.True(CanonicalWire.IsCanonical(type, wire));
            Assert.True(ProtoTextTranscoder.For(type).IsValid(ProtoTextFormatter.For(type).Format(wire, "random"), out _));
        }, iter: 2_000);

    private static void CheckEverything(byte[] bytes)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var type in TextTypes)
        {
            output.ResetWrittenCount();
            bool valid = ProtoTextTranscoder.For(type).TryTranscode(bytes, output, out var error);

            Assert.InRange(error.Offset, 0, bytes.Length);
            Assert.Equal(valid, error.Reason == TextErrorReason.None);
            if (valid)
            {
                Assert.True(CanonicalWire.IsCanonical(type, output.WrittenSpan));
                Assert.True(Survives(type, output.WrittenSpan.ToArray()));
            }
            else
            {
                Assert.Equal(0, output.WrittenCount);
            }
        }

        foreach (var type in BinaryTypes)
        {
            output.ResetWrittenCount();
            if (ProtoTextFormatter.For(type).TryFormat(bytes, output))
            {
                Assert.True(ProtoTextTranscoder.For(type).IsValid(output.WrittenSpan, out _));
            }
        }

        foreach (var codec in Codecs)
        {
            output.ResetWrittenCount();
            var encoding = codec.Detect(bytes);
            Assert.Equal(codec.Transcoder.IsValid(bytes, out _), codec.Transcoder.TryTranscode(bytes, output, out _));
            Assert.NotEqual(RecordEncoding.Both, encoding);
            Assert.True(encoding == RecordEncoding.Text || output.WrittenCount == 0);
            Assert.False(encoding == RecordEncoding.Binary && codec.LooksLikeText(bytes));
        }
    }

    private static bool Survives(MessageDescriptor type, byte[] wire)
    {
        try
        {
            return type.Parser.WithDiscardUnknownFields(true).ParseFrom(wire).ToByteArray().AsSpan().SequenceEqual(wire);
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static Gen<T> Pick<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    // A few bytes replaced, inserted or cut out, or a number written longer than it need be.
    private static Gen<byte[]> Damaged(byte[][] originals) =>
        Gen.Select(Pick(originals), Gen.Select(Gen.Int[0, 3], Gen.Int[0, 10_000], WireByte).Array[0, 3], static (original, damages) =>
        {
            byte[] bytes = original;
            foreach (var (how, where, value) in damages)
            {
                int at = where % (bytes.Length + 1);
                bytes = how switch
                {
                    0 => [.. bytes[..at], value, .. bytes[Math.Min(at + 1, bytes.Length)..]],
                    1 => [.. bytes[..at], value, .. bytes[at..]],
                    2 when at < bytes.Length => [.. bytes[..at], (byte)(bytes[at] | 0x80), 0, .. bytes[(at + 1)..]],
                    _ => [.. bytes[..at], .. bytes[Math.Min(at + (value % 16), bytes.Length)..]],
                };
            }

            return bytes;
        });
}
