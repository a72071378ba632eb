// A frame of the camera. Browsers give it to pages of this machine and of HTTPS alone;
// elsewhere `navigator.mediaDevices` is missing.

import { png } from "./png.js";

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** The camera's view in a dialog; `taken` gets the frame as a file, `failed` the reason. */
export class Camera {
  #dialog;
  #video;
  #stream = null;
  #failed;

  constructor(dialog, taken, failed) {
    this.#dialog = dialog;
    this.#failed = failed;
    this.#video = dialog.querySelector("video");
    const [take, cancel] = dialog.querySelectorAll("button");
    take.addEventListener("click", async () => {
      const frame = await this.#frame();
      dialog.close();
      taken(frame);
    });
    cancel.addEventListener("click", () => dialog.close());
    this.#video.addEventListener("playing", () => {
      take.disabled = false;
      take.focus();
    });
    // However it is closed, the camera is off.
    dialog.addEventListener("close", () => {
      this.#stop();
      take.disabled = true;
    });
  }

  async open() {
    this.#dialog.showModal();
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1920 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      this.#stream = stream;
      // The dialog may have been closed while the browser asked for permission.
      if (this.#dialog.open) this.#video.srcObject = stream;
      else this.#stop();
    } catch (error) {
      this.#dialog.close();
      this.#failed(error);
    }
  }

  #stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  #frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    return png(canvas, "camera.png");
  }
}
