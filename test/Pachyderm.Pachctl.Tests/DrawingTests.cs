using Pachyderm.Pps.Drawing;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Tests.Drawing;

public sealed class DrawingTests
{
    [Fact]
    public void Inputs_have_the_shorthand_of_list_pipeline()
    {
        Input input = new CrossInput([Atom("lines"), new UnionInput([Atom("quirks"), new CronInput("t", "p_t", "", "@daily", null)])]);

        Assert.Equal("(lines:/* ⨯ (quirks:/* ∪ t:@daily))", InputShorthand.Of(input));
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
        SpecText.Of(new CrossInput([Atom("a", "/<&"), new CronInput("t", "p_t", "", "@daily", Given.Now)])));

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
            Cmd = ["sh", ""],
            Env = Transform.SortEnv([new("B", "\"\\\n\u0001\u2028é"), new("A", "")]),
            Secrets = [new SecretMount("s", "/s")],
            AcceptReturnCode = [0, 1],
            Debug = true,
        }));

    [Fact]
    public void A_transform_without_anything_is_empty() => Assert.Equal("{}", SpecText.Of(new Transform()));

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
            PipelineGraph.Draw(Pipelines(), new PipelineName("edges")).Where(static line => !line.Contains('↑', StringComparison.Ordinal))
                .Select(static line => line.Replace('├', '└').Replace('│', ' ')));
        Assert.Equal(["other", "└─ count  other:/*  running"], PipelineGraph.Draw(Pipelines(), new PipelineName("count")));
    }

    [Fact]
    public void A_circle_is_drawn_once() => Assert.Equal(
        ["a  b:/*  running", "└─ b  a:/*  running", "   └─ a ↑"], PipelineGraph.Draw([Pipeline("a", Atom("b")), Pipeline("b", Atom("a"))]));

    [Fact]
    public void A_chain_of_any_length_is_drawn()
    {
        const int Length = 5_000;
        IEnumerable<Pipeline> chain = Enumerable.Range(1, Length).Select(static i => Pipeline($"p{i}", Atom($"p{i - 1}")));

        Assert.Equal(Length + 1, PipelineGraph.Draw(chain).Count);
    }

    private static Pipeline[] Pipelines() =>
    [
        Pipeline("report", Atom("montage")),
        Pipeline("count", Atom("other")),
        Pipeline("montage", new CrossInput([Atom("edges"), Atom("images")])) with { State = PipelineState.Paused },
        Pipeline("edges", Atom("images")),
    ];

    private static AtomInput Atom(string repo, string glob = "/*") => new(repo, repo, "master", "", glob);

    private static Pipeline Pipeline(string name, Input input) =>
        new(new PipelineName(name), 1, new Salt("s"), Given.Now, input, new Workload(new Transform(), "master")) { State = PipelineState.Running };
}
