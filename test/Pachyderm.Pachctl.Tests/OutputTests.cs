using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Pfs;
using Pachyderm.Wire.Pfs;
using Pachyderm.Wire.Pps;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Pachctl.Tests;

/// <summary>What scripts read: the form of tables, sizes, ages and JSON.</summary>
public class OutputTests
{
    [Theory]
    [InlineData(0, "0B")]
    [InlineData(5, "5B")]
    [InlineData(1023, "1023B")]
    [InlineData(1024, "1KiB")]
    [InlineData(5474, "5.346KiB")]
    [InlineData(12_582_912, "12MiB")]
    [InlineData(1_048_575, "1024KiB")]
    [InlineData(1_073_741_824, "1GiB")]
    [InlineData(ulong.MaxValue, "16EiB")]
    public void Sizes_have_four_significant_digits_and_binary_units(ulong bytes, string expected) => Assert.Equal(expected, Sizes.Format(bytes));

    [Theory]
    [InlineData(0.9, "Less than a second")]
    [InlineData(1.9, "1 second")]
    [InlineData(59.9, "59 seconds")]
    [InlineData(60, "About a minute")]
    [InlineData(119, "About a minute")]
    [InlineData(120, "2 minutes")]
    [InlineData(45 * 60, "45 minutes")]
    [InlineData(46 * 60, "About an hour")]
    [InlineData(89 * 60, "About an hour")]
    [InlineData(90 * 60, "2 hours")]
    [InlineData(47 * 3600, "47 hours")]
    [InlineData(48 * 3600, "2 days")]
    [InlineData(335 * 3600, "13 days")]
    [InlineData(336 * 3600, "2 weeks")]
    [InlineData(1439 * 3600, "8 weeks")]
    [InlineData(1440 * 3600, "2 months")]
    [InlineData(2 * 365 * 24 * 3600, "2 years")]
    [InlineData(-5, "Less than a second")]
    public void Lengths_of_time_have_one_unit(double seconds, string expected) => Assert.Equal(expected, Ages.Format(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Columns_are_as_wide_as_their_longest_cell_and_three_and_at_least_twenty()
    {
        using StringWriter output = new() { NewLine = "\n" };
        TabTable table = new(output, "NAME", "SIZE");
        table.Add("/a", "1B");
        table.Add("/a-name-of-25-characters-", "20KiB");
        table.Add("/größe⨯", "2B");
        table.Flush();

        Assert.Equal(
            $"{"NAME",-28}{"SIZE",-20}\n{"/a",-28}{"1B",-20}\n{"/a-name-of-25-characters-",-28}{"20KiB",-20}\n{"/größe⨯",-28}{"2B",-20}\n", output.ToString());
    }

    [Fact]
    public void A_table_without_rows_is_its_header()
    {
        using StringWriter output = new() { NewLine = "\n" };
        new TabTable(output, "NAME", "CREATED", "SIZE").Flush();

        Assert.Equal($"{"NAME",-20}{"CREATED",-20}{"SIZE",-20}\n", output.ToString());
    }

    [Fact]
    public void A_table_of_many_rows_is_printed_while_it_arrives()
    {
        using StringWriter output = new() { NewLine = "\n" };
        TabTable table = new(output, "NAME");
        for (int row = 0; row < 10_000; row++)
        {
            table.Add("x");
        }

        Assert.Equal(21 * 10_001, output.ToString().Length);
        table.Add(new string('y', 30));
        Assert.EndsWith(new string('y', 30) + "   \n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_cannot_write_escape_sequences_to_the_terminal()
    {
        using StringWriter output = new() { NewLine = "\n" };
        TabTable table = new(output, "NAME");
        table.Add("/a\x1b[2J\tb\nc");
        table.Flush();

        Assert.Equal($"{"NAME",-20}\n{@"/a\x1b[2J\tb\nc",-20}\n", output.ToString());
    }

    [Fact]
    public void Raw_output_is_the_json_of_1_5()
    {
        CommitInfo commit = new()
        {
            Commit = new CommitRef("r", "c").ToWire(),
            Started = new Timestamp { Seconds = 1_500_000_000, Nanos = 120_000_000 },
            Finished = new Timestamp { Seconds = 1_500_000_000, Nanos = 1 },
            SizeBytes = 12_345_678_901,
            Provenance = { new CommitRef("é<&>\"", "d").ToWire() },
        };

        Assert.Equal(
            """
            {
              "commit": {
                "repo": {
                  "name": "r"
                },
                "id": "c"
              },
              "started": "2017-07-14T02:40:00.120Z",
              "finished": "2017-07-14T02:40:00.000000001Z",
              "sizeBytes": "12345678901",
              "provenance": [
                {
                  "repo": {
                    "name": "é<&>\""
                  },
                  "id": "d"
                }
              ]
            }

            """,
            Raw(commit));
    }

    [Fact]
    public void Raw_output_has_enums_by_name_bytes_in_base64_maps_as_objects_and_numbers_of_32_bits_bare()
    {
        FileInfo file = new() { File = new Wire.Pfs.File { Path = "/f" }, FileType = FileType.Dir, Hash = ByteString.CopyFrom(1, 2, 255) };
        PipelineInfo pipeline = new() { JobCounts = { [3] = 7 }, ScaleDownThreshold = new Duration { Seconds = 1, Nanos = 500_000_000 }, ParallelismSpec = new ParallelismSpec { Coefficient = 0.5 } };

        Assert.Contains("\"fileType\": \"DIR\"", Raw(file), StringComparison.Ordinal);
        Assert.Contains("\"hash\": \"AQL/\"", Raw(file), StringComparison.Ordinal);
        Assert.Contains("\"3\": 7", Raw(pipeline), StringComparison.Ordinal);
        Assert.Contains("\"scaleDownThreshold\": \"1.500s\"", Raw(pipeline), StringComparison.Ordinal);
        Assert.Contains("\"coefficient\": 0.5", Raw(pipeline), StringComparison.Ordinal);
        Assert.Equal("{}\n", Raw(new FileInfo()));
    }

    [Fact]
    public void Raw_output_is_read_back_as_what_it_was()
    {
        CommitInfo commit = new() { Commit = new CommitRef("r", "c").ToWire(), Started = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch), SizeBytes = ulong.MaxValue };

        Assert.Equal(commit, CommitInfo.Parser.ParseJson(Raw(commit)));
    }

    [Fact]
    public void Details_leave_out_what_is_not_known()
    {
        DateTimeOffset now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        using StringWriter output = new() { NewLine = "\n" };
        Details.Write(output, new RepoInfo { Repo = new Repo { Name = "r" }, Created = Timestamp.FromDateTimeOffset(now.AddHours(-3)), SizeBytes = 1536 }, now);
        Details.Write(output, new CommitInfo { Commit = new CommitRef("r", "c").ToWire(), ParentCommit = new CommitRef("r", "p").ToWire(), Started = Timestamp.FromDateTimeOffset(now), Provenance = { new CommitRef("a", "1").ToWire(), new CommitRef("b", "2").ToWire() } }, now);
        Details.Write(output, new FileInfo { File = new Wire.Pfs.File { Path = "/d" }, FileType = FileType.Dir, SizeBytes = 3, Children = { "x", "y<z" } });

        Assert.Equal(
            """
            Name: r
            Created: 3 hours ago
            Size: 1.5KiB
            Commit: r/c
            Parent: p
            Started: Less than a second ago
            Size: 0B
            Provenance: a/1 b/2
            Path: /d
            Type: dir
            Size: 3B
            Children: x y<z

            """,
            output.ToString());
    }

    private static string Raw(IMessage message)
    {
        using StringWriter output = new() { NewLine = "\n" };
        RawJson.Write(output, message);
        return output.ToString();
    }
}
