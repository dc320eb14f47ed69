using System.CommandLine;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pps;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Commands on pipelines.</summary>
internal static class PipelineCommands
{
    public static Command CreatePipeline() => FromSpec(
        "create-pipeline",
        "Make pipelines from a spec: each processes what its inputs have, and then every new commit.",
        """
        A spec is JSON; a file may hold several, one after the other. If one is refused, those before it are kept.

          {
            "pipeline": {"name": "edges"},
            "transform": {"cmd": ["sh"], "stdin": ["for f in /pfs/images/*; do wc -c < $f > /pfs/out/$(basename $f); done"]},
            "parallelism_spec": {"constant": 2},
            "input": {"atom": {"repo": "images", "glob": "/*"}}
          }

        Examples:
          pachctl create-pipeline -f edges.json
          pachctl create-pipeline -f https://example.com/edges.json
          pachctl inspect-pipeline edges; pachctl list-job -p edges
        """,
        reprocess: null);

    public static Command UpdatePipeline() => FromSpec(
        "update-pipeline",
        "Replace pipelines by new versions.",
        """
        What the last version processed is kept and not processed again, unless you say --reprocess; new input is processed by the new version.

        Examples:
          pachctl update-pipeline -f edges.json
          pachctl update-pipeline -f edges.json --reprocess
        """,
        new Option<bool>("--reprocess") { Description = "Process everything again." });

    public static Command RunPipeline()
    {
        Argument<string> pipeline = Required("PIPELINE", "The pipeline.");
        Option<string?> file = new("--file", "-f")
        {
            Description = "A job's spec: its input, with a commit for every atom; - for standard input.",
            HelpName = "FILE",
        };
        return Create(
            "run-pipeline",
            "Run a pipeline by hand on commits that you name, and print the job's identifier.",
            """
            The spec has the form of the pipeline's input, with commits. What it leaves out is taken from the pipeline.

            Example:
              echo '{"input": {"atom": {"name": "images", "repo": "images", "commit": "3fa2b1...", "glob": "/*"}}}' |
                pachctl run-pipeline edges -f -
            """,
            pipeline,
            file).Prints(async (parsed, client, output, cancel) =>
            {
                string name = parsed.GetRequiredValue(pipeline);
                CreateJobRequest request = new() { Pipeline = new Pipeline { Name = name } };
                if (parsed.GetValue(file) is { } source)
                {
                    request = PipelineSpecs.ReadJob(await SpecSource.ReadAsync(source, cancel), request);
                }

                if (request.PipelineVersion == 0 && request.Salt.Length == 0)
                {
                    PipelineInfo info = await client.Pipelines.InspectAsync(request.Pipeline.Name, cancel);
                    (request.PipelineVersion, request.Salt) = (info.Version, info.Salt);
                }

                await output.WriteLineAsync(await client.Pipelines.RunAsync(request, cancel));
            });
    }

    public static Command InspectPipeline()
    {
        Argument<string> pipeline = Required("PIPELINE", "The pipeline.");
        Option<bool> graph = new("--graph") { Description = "Draw what leads to it and what comes from it." };
        Option<bool> raw = Raw();
        return Create(
            "inspect-pipeline",
            "Describe a pipeline.",
            """
            Examples:
              pachctl inspect-pipeline edges
              pachctl inspect-pipeline edges --graph
            """,
            pipeline,
            graph,
            raw).Prints(async (parsed, client, output, cancel) =>
            {
                PipelineInfo info = await client.Pipelines.InspectAsync(parsed.GetRequiredValue(pipeline), cancel);
                if (parsed.GetValue(graph))
                {
                    foreach (string line in PipelineGraph.Draw(await client.Pipelines.ListAsync(cancel), info.Pipeline.Name))
                    {
                        await output.WriteLineAsync(Printable.Text(line));
                    }
                }
                else if (parsed.GetValue(raw))
                {
                    RawJson.Write(output, info);
                }
                else
                {
                    PipelineDetails.Write(output, info, TimeProvider.System.GetUtcNow());
                }
            });
    }

    public static Command ListPipeline()
    {
        Option<bool> raw = Raw();
        return Create("list-pipeline", "List pipelines, the one that changed last first.", "", raw)
            .Prints(async (parsed, client, output, cancel) =>
        {
            IReadOnlyList<PipelineInfo> pipelines = await client.Pipelines.ListAsync(cancel);
            if (!parsed.GetValue(raw))
            {
                Write(output, pipelines, TimeProvider.System.GetUtcNow());
                return;
            }

            foreach (PipelineInfo pipeline in pipelines)
            {
                RawJson.Write(output, pipeline);
            }
        });
    }

    public static Command DeletePipeline()
    {
        Argument<string?> pipeline = Optional("PIPELINE", "The pipeline.");
        Option<bool> all = new("--all") { Description = "Delete all pipelines." };
        Option<bool> jobs = new("--delete-jobs") { Description = "Delete its jobs, too." };
        Option<bool> repo = new("--delete-repo") { Description = "Delete its output repo, too." };
        Command command = Create(
            "delete-pipeline",
            "Delete a pipeline. Its output and its jobs stay, unless you say otherwise; jobs that run are stopped.",
            """
            Examples:
              pachctl delete-pipeline edges
              pachctl delete-pipeline edges --delete-jobs --delete-repo
              pachctl delete-pipeline --all
            """,
            pipeline,
            all,
            jobs,
            repo);
        command.Validators.Add(result =>
        {
            bool named = result.GetValue(pipeline) is not null;
            if (named == result.GetValue(all))
            {
                result.AddError(
                    named ? "cannot use the --all flag with an argument" : "either a pipeline name or the --all flag needs to be provided");
            }
        });
        return command.Does((parsed, client, cancel) => parsed.GetValue(all)
            ? client.Pipelines.DeleteAllAsync(parsed.GetValue(jobs), parsed.GetValue(repo), cancel)
            : client.Pipelines.DeleteAsync(parsed.GetValue(pipeline)!, parsed.GetValue(jobs), parsed.GetValue(repo), cancel));
    }

    public static Command StartPipeline()
    {
        Argument<string> pipeline = Required("PIPELINE", "The pipeline.");
        return Create(
            "start-pipeline", "Let a stopped pipeline go on; what was committed meanwhile is processed.",
            "Example:\n  pachctl start-pipeline edges", pipeline)
            .Does((parsed, client, cancel) => client.Pipelines.StartAsync(parsed.GetRequiredValue(pipeline), cancel));
    }

    public static Command StopPipeline()
    {
        Argument<string> pipeline = Required("PIPELINE", "The pipeline.");
        return Create(
            "stop-pipeline", "Stop a pipeline: no new jobs; the one that runs goes on when it is started again.",
            "Example:\n  pachctl stop-pipeline edges", pipeline)
            .Does((parsed, client, cancel) => client.Pipelines.StopAsync(parsed.GetRequiredValue(pipeline), cancel));
    }

    /// <summary>Prints the table of pipelines.</summary>
    internal static void Write(TextWriter output, IEnumerable<PipelineInfo> pipelines, DateTimeOffset now)
    {
        TabTable table = new(output, "NAME", "INPUT", "OUTPUT", "CREATED", "STATE")
        {
            PaintLast = States.HasColours ? States.PaintPipeline : null,
        };
        foreach (PipelineInfo pipeline in pipelines)
        {
            string name = pipeline.Pipeline?.Name ?? "";
            table.Add(
                name, InputShorthand.Of(pipeline.Input), $"{name}/{pipeline.OutputBranch}", Ages.Since(pipeline.CreatedAt, now),
                States.Of(pipeline.State));
        }

        table.Flush();
    }

    private static Command FromSpec(string name, string summary, string more, Option<bool>? reprocess)
    {
        Option<string> file = new("--file", "-f")
        {
            Description = "The spec: a file, a URL, or - for standard input.",
            HelpName = "FILE",
            DefaultValueFactory = _ => "-",
        };
        Option<bool> push = new("--push-images", "-p")
        {
            Description = "Push the images that the spec names to a registry first, with docker or podman.",
        };
        Option<string> registry = new("--registry", "-r")
        {
            Description = "The registry to push to.",
            HelpName = "HOST",
            DefaultValueFactory = _ => "docker.io",
        };
        Option<string> user = new("--username", "-u")
        {
            Description = "Whose images they become there (default: you).",
            HelpName = "NAME",
            DefaultValueFactory = _ => "",
        };
        Option<string> password = new("--password")
        {
            Description = "Log in to the registry with it first.",
            DefaultValueFactory = _ => "",
        };
        Option[] options = [file, push, registry, user, password];
        Command command = Create(name, summary, more, [.. options, .. reprocess is null ? (Symbol[])[] : [reprocess]]);
        return command.Does(async (parsed, client, cancel) =>
        {
            IReadOnlyList<CreatePipelineRequest> pipelines = PipelineSpecs.Read(await SpecSource.ReadAsync(parsed.GetValue(file)!, cancel));
            ImagePush? images = parsed.GetValue(push) && pipelines.Count > 0 ? await ImagePush.FindAsync(cancel) : null;
            string account = parsed.GetValue(user) is { Length: > 0 } given ? given : Environment.UserName;
            if (images is not null && parsed.GetValue(password) is { Length: > 0 } secret)
            {
                await images.LoginAsync(parsed.GetValue(registry)!, account, secret, cancel);
            }

            foreach (CreatePipelineRequest pipeline in pipelines)
            {
                if (reprocess is not null)
                {
                    (pipeline.Update, pipeline.Reprocess) = (true, parsed.GetValue(reprocess));
                }
                else if (pipeline.Inputs.Count > 0)
                {
                    await Console.Error.WriteLineAsync(
                        "WARNING: field `inputs` is deprecated and will be removed in v1.6. Both formats are valid for v1.4.6 to v1.5.x. "
                            + "See docs for the new input format.");
                }

                if (images is not null && pipeline.Transform is { Image.Length: > 0 } transform)
                {
                    transform.Image = await images.PushAsync(transform.Image, parsed.GetValue(registry)!, account, cancel);
                }

                await client.Pipelines.CreateAsync(pipeline, cancel);
            }
        });
    }
}
