using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Tests.Records;

public class TranscoderGenuineTests
{
    [Theory]
    [InlineData(GenuineCluster.Small14)]
    [InlineData(GenuineCluster.Dirty14)]
    [InlineData(GenuineCluster.ObjectStore14)]
    public void Every_genuine_text_becomes_the_canonical_bytes_of_its_message(string set)
    {
        int count = 0;
        foreach (var (record, descriptor) in TextRecords(set))
        {
            byte[] wire = ProtoTextTranscoder.For(descriptor).Transcode(record.Value, record.KeyText);

            var message = descriptor.Parser.ParseFrom(wire);
            Assert.Equal(wire, message.ToByteArray());
            count++;
        }

        Assert.True(count >= 192, $"{count} records");
    }

    [Theory]
    [InlineData(GenuineCluster.Small14)]
    [InlineData(GenuineCluster.Dirty14)]
    [InlineData(GenuineCluster.ObjectStore14)]
    public void A_genuine_job_in_text_has_the_bytes_that_the_real_client_reported(string set)
    {
        var stored = GenuineCluster.Records(set).ToDictionary(static r => r.KeyText, static r => r.Value, StringComparer.Ordinal);
        using var expected = GenuineCluster.Expected(set);
        var transcoder = ProtoTextTranscoder.For(V1_4.JobInfo.Descriptor);
        int count = 0;
        foreach (var job in expected.RootElement.GetProperty("jobs_in_list_order").EnumerateArray())
        {
            string id = job.GetProperty("id").GetString()!;
            byte[] reported = Convert.FromHexString(job.GetProperty("proto_hex").GetString()!);

            byte[] wire = transcoder.Transcode(stored[$"pachyderm_pps/jobs/{id}"], id);

            // The real server wrote the entries of maps in random order.
            Assert.Equal(Messages.Sorted(V1_4.JobInfo.Parser.ParseFrom(reported)), Messages.Sorted(V1_4.JobInfo.Parser.ParseFrom(wire)));
            count++;
        }

        Assert.True(count > 40, $"{count} jobs");
    }

    internal static IEnumerable<(GenuineRecord Record, MessageDescriptor Descriptor)> TextRecords(string set)
    {
        foreach (var record in GenuineCluster.Records(set))
        {
            string[] parts = record.KeyText.Split('/');
            MessageDescriptor? descriptor = (parts[1], record.KeyText.Contains("__index_", StringComparison.Ordinal)) switch
            {
                ("repos", false) => V1_4.RepoInfo.Descriptor,
                ("commits", false) => V1_4.CommitInfo.Descriptor,
                ("branches", false) => V1_4.Commit.Descriptor,
                ("pipelines", false) => V1_4.PipelineInfo.Descriptor,
                ("jobs", false) => V1_4.JobInfo.Descriptor,
                _ => null,
            };
            if (descriptor is not null)
            {
                yield return (record, descriptor);
            }
        }
    }
}
