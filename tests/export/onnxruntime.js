// node onnxruntime.js JOBS: runs models in ONNX Runtime for tests/test_export.c.
// JOBS is a JSON list of {"model": path, "runs": [{"input": path, "dims": [n, c, h, w], "outputs": {name: path}}]}:
// raw float32 files. Prints the same list with the outputs' dims, as JSON.
const fs = require('fs');
const path = require('path');
const ort = require(path.join(process.env.Y9_NPM, 'node_modules', 'onnxruntime-node'));

function readFloats(file) {
    const bytes = fs.readFileSync(file);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

async function runOne(session, run) {
    const images = new ort.Tensor('float32', readFloats(run.input), run.dims);
    const results = await session.run({images});
    const dims = {};
    for (const [name, file] of Object.entries(run.outputs)) {
        const data = results[name].data;
        fs.writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        dims[name] = results[name].dims;
    }
    return dims;
}

async function main() {
    const report = [];
    for (const job of JSON.parse(fs.readFileSync(process.argv[2]))) {
        const options = {intraOpNumThreads: 2, graphOptimizationLevel: job.optimize || 'all', logSeverityLevel: 3};
        const session = await ort.InferenceSession.create(job.model, options);
        const runs = [];
        for (const run of job.runs)
            runs.push(await runOne(session, run));
        await session.release();
        report.push(runs);
    }
    console.log(JSON.stringify(report));
}

main().catch((error) => {
    console.error(String(error));
    process.exit(1);
});
