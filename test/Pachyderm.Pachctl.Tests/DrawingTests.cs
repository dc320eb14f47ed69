using Google.Protobuf.WellKnownTypes;
using Pachyderm.Pachctl.Pps;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Tests;

/// <summary>How inputs, transforms and the graph of pipelines are drawn.</summary>
public sealed class DrawingTests
{
    [Fact]
    public void Inputs_have_the_shorthand_of_list_pipeline()
    {
        Input cron = new() { Cron = new CronInput { Name = "t", Repo = "p_t", Spec = "@daily" } };
        Input input = new() { Cross = { Atom("lines"), new Input { Union = { Atom("quirks"), cron } } } };

        Assert.Equal("(lines:/* ⨯ (quirks:/* ∪ t:@daily))", InputShorthand.Of(input));
        Assert.Equal("-", InputShorthand.Of(null));
        Assert.Equal(["lines", "quirks", "p_t"], InputShorthand.Repos(input));
    }

    [Fact]
    public void An_input_is_shown_as_go_writes_it() => Assert.Equal(
        """
        {
          "cross": [
            {
              "atom": {
                "name": "a",
                "repo": "a",
                "branch": "master",
                "glob": "/\u003c\u0026"
              }
            },
            {
              "cron": {
                "name": "t",
                "repo": "p_t",
                "spec": "@daily",
                "start": {
                  "seconds": 1503011500
                }
              }
            }
          ]
        }
        """,
        SpecText.Of(new Input
        {
            Cross =
            {
                Atom("a", "/<&"),
                new Input { Cron = new CronInput { Name = "t", Repo = "p_t", Spec = "@daily", Start = new Timestamp { Seconds = 1_503_011_500 } } },
            },
        }));

    [Fact]
    public void A_transform_is_shown_as_go_writes_it() => Assert.Equal(
        """
        {
          "image": "i<>\u0026",
          "cmd": [
            "sh",
            ""
          ],
          "env": {
            "A": "",
            "B": "\"\\\n\u0001\u2028é"
          },
          "secrets": [
            {
              "name": "s",
              "mount_path": "/s"
            }
          ],
          "accept_return_code": [
            0,
            1
          ],
          "debug": true
        }
        """,
        SpecText.Of(new Transform
        {
            Image = "i<>&",
            Cmd = { "sh", "" },
            Env = { ["B"] = "\"\\\n\u0001\u2028é", ["A"] = "" },
            Secrets = { new Secret { Name = "s", MountPath = "/s" } },
            AcceptReturnCode = { 0, 1 },
            Debug = true,
        }));

    [Fact]
    public void What_has_nothing_is_empty() => Assert.Equal(("{}", "{}"), (SpecText.Of(new Transform()), SpecText.Of((Input?)null)));

    [Fact]
    public void Pipelines_are_drawn_below_what_they_read() => Assert.Equal(
        [
            "images",
            "├─ edges  images:/*  running",
            "│  └─ montage  (edges:/* ⨯ images:/*)  paused",
            "│     └─ report  montage:/*  running",
            "└─ montage ↑",
            "other",
            "└─ count  other:/*  running",
        ],
        PipelineGraph.Draw(Pipelines()));

    [Fact]
    public void Only_what_leads_to_a_pipeline_and_comes_from_it_is_drawn_if_one_is_named()
    {
        Assert.Equal(
            ["images", "└─ edges  images:/*  running", "   └─ montage  (edges:/* ⨯ images:/*)  paused", "      └─ report  montage:/*  running"],
            PipelineGraph.Draw(Pipelines(), "edges").Where(static line => !line.Contains('↑', StringComparison.Ordinal))
                .Select(static line => line.Replace('├', '└').Replace('│', ' ')),
            StringComparer.Ordinal);
        Assert.Equal(["other", "└─ count  other:/*  running"], PipelineGraph.Draw(Pipelines(), "count"));
    }

    [Fact]
    public void A_circle_is_drawn_once() => Assert.Equal(
        ["a  b:/*  running", "└─ b  a:/*  running", "   └─ a ↑"], PipelineGraph.Draw([Pipeline("a", Atom("b")), Pipeline("b", Atom("a"))]));

    [Fact]
    public void A_chain_of_any_length_is_drawn()
    {
        const int Length = 5_000;
        IEnumerable<PipelineInfo> chain = Enumerable.Range(1, Length).Select(static i => Pipeline($"p{i}", Atom($"p{i - 1}")));

        Assert.Equal(Length + 1, PipelineGraph.Draw(chain).Count);
    }

    private static PipelineInfo[] Pipelines() =>
    [
        Pipeline("report", Atom("montage")),
        Pipeline("count", Atom("other")),
        Pipeline("montage", new Input { Cross = { Atom("edges"), Atom("images") } }, PipelineState.PipelinePaused),
        Pipeline("edges", Atom("images")),
    ];

    private static Input Atom(string repo, string glob = "/*") =>
        new() { Atom = new AtomInput { Name = repo, Repo = repo, Branch = "master", Glob = glob } };

    private static PipelineInfo Pipeline(string name, Input input, PipelineState state = PipelineState.PipelineRunning) =>
        new() { Pipeline = new Pipeline { Name = name }, Input = input, State = state };
}
